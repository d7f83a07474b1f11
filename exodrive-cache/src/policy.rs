//! What is configured for a route.

mod check;

use std::time::Duration;

use crate::credentials::Credentials;
use crate::mode::Mode;
use crate::origin::{Origin, SetCookie};
use crate::percent::Percent;
use crate::route::Route;
use crate::schedule::Schedule;
use crate::tag_template::TagTemplate;

/// How the answers of one route are cached.
///
/// A policy names the inputs that the answer depends on: the path always, and the query parameters
/// and headers given to [`query`](Self::query) and [`headers`](Self::headers). They make the key, and they are
/// all that the handler sees of the request: every other header and parameter is removed before
/// it runs, so that nothing outside the key can find its way into a stored answer. Extensions stay, since
/// routers leave what handlers need in them: a handler that reads the client's address or its whole target from there
/// must not put it into the answer (the feature `axum` takes care of `OriginalUri`).
///
/// ```
/// use std::time::Duration;
/// use exodrive_cache::CachePolicy;
///
/// CachePolicy::ttl(Duration::from_secs(300))
///     .route("/cars/{id}/availability")
///     .query(["from", "to"])
///     .tag("availability:{id}");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct CachePolicy {
    pub(crate) schedule: Schedule,
    pub(crate) route: Option<Route>,
    pub(crate) query: Vec<Box<str>>,
    pub(crate) headers: Vec<Box<str>>,
    pub(crate) tags: Vec<TagTemplate>,
    pub(crate) handler_tags: Vec<TagTemplate>,
    pub(crate) credentials: Credentials,
    pub(crate) origin: Origin,
    pub(crate) set_cookie: SetCookie,
    pub(crate) cache_groups: bool,
    pub(crate) purge_by_key: bool,
    pub(crate) mode: Mode,
    pub(crate) max_body: usize,
}

impl CachePolicy {
    /// Serves a stored answer for `ttl` after the handler gave it.
    pub fn ttl(ttl: Duration) -> Self {
        Self {
            schedule: Schedule::ttl(ttl),
            route: None,
            query: Vec::new(),
            headers: Vec::new(),
            tags: Vec::new(),
            handler_tags: Vec::new(),
            credentials: Credentials::default(),
            origin: Origin::default(),
            set_cookie: SetCookie::default(),
            cache_groups: false,
            purge_by_key: false,
            mode: Mode::default(),
            max_body: 1 << 20,
        }
    }

    /// A shared cache as RFC 9111 describes it, in front of a service that speaks HTTP caching.
    ///
    /// The answer's own headers say whether and for how long it is kept, `Vary` tells variants apart,
    /// stale answers are revalidated, request directives count, and unsafe methods invalidate. The
    /// whole query is keyed, and the service sees the whole request but for `Range` and conditions,
    /// which the cache answers itself. Cookies that an answer sets are stored, as the RFC has it: use
    /// it for services that follow the RFC, too.
    ///
    /// An answer with `s-maxage` is never served stale, since that includes `proxy-revalidate` (section 5.2.2.10): beside
    /// it, `stale-while-revalidate` and `stale-if-error` have no effect. A service that wants them states
    /// `max-age`, or `CDN-Cache-Control: max-age` where caches are to keep the answer for longer than clients.
    pub fn rfc9111() -> Self {
        Self {
            credentials: Credentials::shared(),
            origin: Origin::Rfc9111,
            set_cookie: SetCookie::Store,
            cache_groups: true,
            ..Self::ttl(Duration::ZERO)
        }
        .early_refresh(0.0)
    }

    /// Takes up to this share off the time to live of each answer, by chance, so that what was stored
    /// together does not end together. Defaults to 10 %.
    ///
    /// No answer is kept for longer than the policy says. Under [`Origin::Rfc9111`] the answer's own
    /// header is followed to the second, and this has no effect.
    pub fn jitter(mut self, share: Percent) -> Self {
        self.schedule.jitter = share;
        self
    }

    /// Sets how eagerly a fresh answer is replaced in the background when its end is near. Defaults to
    /// 1; 0 leaves every answer until its end.
    ///
    /// A request that finds an answer looks ahead by chance: on average by the time that the handler took
    /// to make the answer, times `beta`. So what is asked for often is replaced before anybody waits for it, and
    /// what is asked for rarely is not replaced for nobody (A. Vattani, F. Chierichetti and K. Lowenstein, "Optimal
    /// Probabilistic Cache Stampede Prevention", 2015). [`rfc9111`](Self::rfc9111) sets it to 0.
    pub fn early_refresh(mut self, beta: f64) -> Self {
        self.schedule.early_refresh = beta;
        self
    }

    /// Serves an answer for this long after its time was over, while a fresh one is fetched in the
    /// background (RFC 5861, section 3). Defaults to zero.
    ///
    /// Under [`Origin::Rfc9111`], the answer's own directive counts instead.
    pub fn stale_while_revalidate(mut self, window: Duration) -> Self {
        self.schedule.stale_while_revalidate = window;
        self
    }

    /// Serves an answer for this long after its time was over, if the handler fails: an error of the
    /// service, or a 500, 502, 503 or 504 (RFC 5861, section 4). Defaults to zero.
    ///
    /// Under [`Origin::Rfc9111`], the answer's own directive counts instead.
    pub fn stale_if_error(mut self, window: Duration) -> Self {
        self.schedule.stale_if_error = window;
        self
    }

    /// States the route's template, such as `/cars/{id}`.
    ///
    /// Its parameters can be used in [`tag`](Self::tag), and a request whose path does not match it
    /// bypasses the cache. Without a template every path is taken.
    pub fn route(mut self, template: &str) -> Self {
        self.route = Some(Route::parse(template));
        self
    }

    /// Adds query parameters that the answer depends on. Defaults to none.
    ///
    /// Names are compared with the raw query, byte by byte, without decoding.
    pub fn query<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.query.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds request headers that the answer depends on. Defaults to none.
    pub fn headers<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.headers.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds a tag that every answer of the route carries, such as `fleet` or `car:{id}`.
    ///
    /// The policy's own name is always one of the tags. A handler adds more with
    /// [`ResponseTags`](crate::ResponseTags).
    pub fn tag(mut self, template: &str) -> Self {
        self.tags.push(TagTemplate::new(template));
        self
    }

    /// States which tags the handler may add to its answers, as templates such as `car:{id}`, for
    /// [`Cache::graph`](crate::Cache::graph). Defaults to none. It adds none itself.
    pub fn handler_tags<'a>(mut self, templates: impl IntoIterator<Item = &'a str>) -> Self {
        let templates = templates.into_iter().map(TagTemplate::new);
        self.handler_tags.extend(templates);
        self
    }

    /// Sets what happens to requests with `Authorization` or `Cookie`. Defaults to [`Credentials::bypass`].
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// Sets how far the handler's own `Cache-Control` counts. Defaults to [`Origin::Respect`].
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// Sets what happens to answers that set a cookie. Defaults to [`SetCookie::Refuse`].
    pub fn set_cookie(mut self, set_cookie: SetCookie) -> Self {
        self.set_cookie = set_cookie;
        self
    }

    /// Speaks of tags with caches in front of the service, as cache groups (RFC 9875).
    ///
    /// An answer that is stored names its tags in `Cache-Groups`, but for those that are not printable ASCII; groups that
    /// the handler names there join its tags. The answer to a request with an unsafe method may name
    /// groups in `Cache-Group-Invalidation`: they are invalidated before it goes on to the client. On an answer
    /// to any other request the field has no effect (RFC 9875, section 3). Defaults to off.
    ///
    /// Under [`rfc9111`](Self::rfc9111) it is on, each origin has groups of its own, and the answer's `Cache-Groups` stays as
    /// it is.
    pub fn cache_groups(mut self) -> Self {
        self.cache_groups = true;
        self
    }

    /// Gives the answers to each key a tag of their own, so that [`Cache::purge`](crate::Cache::purge) finds them by a request.
    /// Defaults to off: a lookup in Redis asks for one more tag, and Redis keeps one for each key.
    pub fn purge_by_key(mut self) -> Self {
        self.purge_by_key = true;
        self
    }

    /// Sets whether the policy is in force at first; [`Cache::set_mode`](crate::Cache::set_mode) changes it. Defaults to
    /// [`Mode::On`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the largest body that is stored, in bytes. Defaults to 1 MiB.
    ///
    /// A longer one passes through untouched, and at most this much of it is held in memory.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Bounds how many calls of the handler requests for this route have under way at once, so that an
    /// outage of the store, or an invalidation of everything, is not a flood. Defaults to no bound: what a handler
    /// bears only its service knows, and a guess that is too low refuses what would have been served.
    ///
    /// Requests for one key share one call in any case. One that would be a call too many is not queued: it
    /// gets a stale answer if [`stale_if_error`](Self::stale_if_error) has one, and otherwise a 503 with `Retry-After: 1`.
    /// Requests that bypass the cache are not counted.
    pub fn max_calls(mut self, calls: usize) -> Self {
        self.schedule.max_calls = Some(calls);
        self
    }

    /// Bounds how many answers of this route are replaced in the background at once. Defaults to 16.
    ///
    /// A refresh that would be one too many is dropped, not queued: the next request that finds the
    /// answer due tries again.
    pub fn max_refreshes(mut self, refreshes: usize) -> Self {
        self.schedule.max_refreshes = refreshes;
        self
    }

    /// Serves a stale answer once the handler has taken this long, if [`stale_if_error`](Self::stale_if_error) has
    /// one. The handler goes on, and its answer is stored. Defaults to waiting until the
    /// [`timeout`](Self::timeout).
    pub fn soft_timeout(mut self, timeout: Duration) -> Self {
        self.schedule.soft_timeout = Some(timeout);
        self
    }

    /// Gives the handler up after this long, and bounds how long any request waits for it. Defaults to 30 seconds.
    ///
    /// The call is dropped and nothing is remembered of it, so the next request calls anew; so does one of those
    /// that waited along, while its own time lasts. A request whose time is over gets a stale answer if
    /// [`stale_if_error`](Self::stale_if_error) has one, and otherwise a 504.
    ///
    /// Once the handler has answered, a body of undeclared length has as long again to be complete,
    /// and one of declared length as long for each piece. One that takes longer goes to the client whose
    /// request made it, and is not stored.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.schedule.timeout = timeout;
        self
    }

    /// States how far behind the data may be that the handler reads, as from a database's replica. Defaults to zero: it reads
    /// what was committed last.
    ///
    /// For this long after one of its tags was invalidated, an answer goes to those who wait for it and is not stored: it may
    /// be from before the change, and nothing would invalidate it again. Every request is a call of the handler meanwhile, so state
    /// what the replica is behind at worst and no more. An instance learns of invalidations by others from the store; their time is
    /// that of the store's clock.
    pub fn replica_lag(mut self, lag: Duration) -> Self {
        self.schedule.replica_lag = lag;
        self
    }

    /// Returns whether the service sees the request as it came, and its answer says how it is cached.
    pub(crate) fn is_transparent(&self) -> bool {
        self.origin == Origin::Rfc9111
    }
}
