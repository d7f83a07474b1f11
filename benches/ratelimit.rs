//! `exodrive-ratelimit` in memory beside a bare service, `governor` and `tower_governor`.

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt::{Debug, Write as _};
use std::future::{Ready, ready};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use exodrive_benches::{Goal, Group};
use exodrive_ratelimit::{
    HOUR, HeaderStyle, Limit, MINUTE, MemoryStore, Peer, Quota, RateLimitLayer, RateLimiter,
    Subject,
};
use http::{Request, Response};
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service, ServiceExt, service_fn};

/// The peer can refuse only in the bodies of axum.
#[cfg(feature = "peers")]
type Body = axum::body::Body;
#[cfg(not(feature = "peers"))]
type Body = String;

type Answer = Ready<Result<Response<Body>, Infallible>>;

const GOVERNOR: &str = "governor, keyed by text";
const GOVERNOR_BY_IP: &str = "governor, keyed by address";
const BARE: &str = "bare service";
const TOWER_GOVERNOR: &str = "tower_governor, 3 headers";
const REFUSED_BY_TOWER_GOVERNOR: &str = "tower_governor, refused";

/// More than enough for every request of a run.
const PLENTY: u32 = 1_000_000_000;

/// So many checks in a row that beginning them on another thread costs next to nothing.
const BATCH: usize = 1_000;

pub(crate) fn run() {
    check("a check of one hot key", 1, 0.7);
    check("a check of 100,000 keys", 100_000, 0.6);
    check_on_two_threads("1,000 checks of one hot key, two threads", 1, 0.7);
    check_on_two_threads("1,000 checks of 100,000 keys, two threads", 100_000, 0.6);
    layer();
    refusal();
}

fn check(name: &'static str, keys: u32, most: f64) {
    let group = Group::new(name);
    #[cfg(feature = "peers")]
    let group = peers::check(group, keys);
    let group = by_text(group, "rate, by user", keys, rate()).goal(Goal::ratio(most, GOVERNOR));
    let group = by_text(group, "window, by user", keys, window()).goal(Goal::ratio(most, GOVERNOR));
    by_address(group, "rate, by address", keys, rate())
        .goal(Goal::ratio(most, GOVERNOR_BY_IP))
        .run();
}

fn check_on_two_threads(name: &'static str, keys: u32, most: f64) {
    let runtime = Builder::new_multi_thread().worker_threads(2).build();
    let runtime = Arc::new(runtime.unwrap());
    let group = Group::new(name);
    #[cfg(feature = "peers")]
    let group = peers::check_on_two_threads(group, &runtime, keys);
    let goal = Goal::ratio(most, GOVERNOR);
    let group = by_two(group, "rate, by user", &runtime, keys, rate()).goal(goal);
    let group = by_two(group, "window, by user", &runtime, keys, window());
    group.goal(goal).run();
}

fn rate() -> Limit {
    Limit::gcra("rate", Quota::per_second(PLENTY).burst(PLENTY))
}

fn window() -> Limit {
    Limit::sliding_window("window", u32::MAX, MINUTE)
}

/// A limiter that futures can borrow.
fn lent(limit: Limit) -> &'static RateLimiter<MemoryStore> {
    Box::leak(Box::new(limiter(limit.by_subject(), HeaderStyle::None)))
}

fn limiter(limit: Limit, style: HeaderStyle) -> RateLimiter<MemoryStore> {
    RateLimiter::builder(MemoryStore::with_max_keys(1_000_000))
        .limit(limit)
        .headers(style)
        .build()
        .unwrap()
}

fn by_text(group: Group, name: &'static str, keys: u32, limit: Limit) -> Group {
    let limiter = lent(limit);
    let (mut text, next) = (String::new(), numbers(keys));
    group.future(name, move || {
        write_key(&mut text, next());
        let subject = Subject::user(&text);
        async move { limiter.check(subject, 1).await.is_ok() }
    })
}

fn by_address(group: Group, name: &'static str, keys: u32, limit: Limit) -> Group {
    let limiter = lent(limit);
    let next = numbers(keys);
    group.future(name, move || {
        let subject = Subject::ip(address(next()));
        async move { limiter.check(subject, 1).await.is_ok() }
    })
}

fn by_two(
    group: Group,
    name: &'static str,
    runtime: &Arc<Runtime>,
    keys: u32,
    limit: Limit,
) -> Group {
    let limiter = lent(limit);
    let check = |text: &String| limiter.check(Subject::user(text), 1);
    group.callers(name, runtime, 2, move || batch(keys, check))
}

/// Checks some keys, others each time.
async fn batch<F: Future + Send>(keys: u32, check: impl Fn(&String) -> F + Sync) {
    static BEGUN: AtomicU64 = AtomicU64::new(1);
    let next = numbers_from(BEGUN.fetch_add(1, Ordering::Relaxed), keys);
    let mut text = String::new();
    for _ in 0..BATCH {
        write_key(&mut text, next());
        let checked = check(&text);
        black_box(checked.await);
    }
}

fn layer() {
    let group = call(Group::new("an admitted request"), BARE, service_fn(answer));
    #[cfg(feature = "peers")]
    let group = call(
        group,
        TOWER_GOVERNOR,
        peers::layer(service_fn(answer), PLENTY),
    );
    let layered = |style| {
        let limit = Limit::gcra("public", Quota::per_second(PLENTY)).by_ip();
        RateLimitLayer::new(limiter(limit, style)).layer(service_fn(answer))
    };
    let group = call(group, "no headers", layered(HeaderStyle::None));
    let group = call(group, "3 headers", layered(HeaderStyle::legacy()))
        .goal(Goal::ratio(0.9, TOWER_GOVERNOR));
    call(group, "5 headers", layered(HeaderStyle::both()))
        .goal(Goal::ratio(1.0, TOWER_GOVERNOR))
        .run();
}

fn refusal() {
    let group = call(Group::new("a refused request"), BARE, service_fn(answer));
    #[cfg(feature = "peers")]
    let group = call(
        group,
        REFUSED_BY_TOWER_GOVERNOR,
        peers::layer(service_fn(answer), 1),
    );
    let limit = Limit::sliding_window("public", 1, HOUR).by_ip();
    let layered = RateLimitLayer::new(limiter(limit, HeaderStyle::both()));
    call(group, "refused", layered.layer(service_fn(answer)))
        .goal(Goal::added(Duration::from_micros(1), BARE))
        .goal(Goal::ratio(1.0, REFUSED_BY_TOWER_GOVERNOR))
        .run();
}

fn answer(_: Request<()>) -> Answer {
    ready(Ok(Response::new(Body::default())))
}

/// Adds a case that calls a service for one of 1,000 clients.
fn call<S, B>(group: Group, name: &'static str, service: S) -> Group
where
    S: Service<Request<()>, Response = Response<B>, Error: Debug> + Clone + 'static,
{
    let next = numbers(1_000);
    group.future(name, move || {
        let peer = SocketAddr::new(address(next()), 4711);
        let mut request = Request::new(());
        request.extensions_mut().insert(Peer(peer));
        let answer = service.clone().oneshot(request);
        async move { answer.await.unwrap() }
    })
}

/// Numbers below a bound, without order (Knuth's constants for a linear congruential generator).
fn numbers(below: u32) -> impl Fn() -> u32 {
    numbers_from(1, below)
}

fn numbers_from(start: u64, below: u32) -> impl Fn() -> u32 {
    let state = Cell::new(start);
    move || {
        let next = state.get().wrapping_mul(6_364_136_223_846_793_005);
        state.set(next.wrapping_add(1_442_695_040_888_963_407));
        (state.get() >> 33) as u32 % below
    }
}

fn address(number: u32) -> IpAddr {
    Ipv4Addr::from(number).into()
}

/// A key of 25 bytes.
fn write_key(text: &mut String, number: u32) {
    text.clear();
    write!(text, "user-0123456789-{number:09}").unwrap();
}

#[cfg(feature = "peers")]
mod peers {
    use std::num::NonZeroU32;

    use governor::{Quota, RateLimiter};
    use tower_governor::GovernorLayer;
    use tower_governor::errors::GovernorError;
    use tower_governor::governor::GovernorConfigBuilder;
    use tower_governor::key_extractor::KeyExtractor;

    use super::*;

    pub(super) fn check(group: Group, keys: u32) -> Group {
        let quota = Quota::per_second(NonZeroU32::new(PLENTY).unwrap());
        let (by_text, by_address) = (RateLimiter::keyed(quota), RateLimiter::keyed(quota));
        let (mut text, next) = (String::new(), numbers(keys));
        let other = numbers(keys);
        group
            .future(GOVERNOR, move || {
                write_key(&mut text, next());
                ready(by_text.check_key(&text).is_ok())
            })
            .future(GOVERNOR_BY_IP, move || {
                ready(by_address.check_key(&address(other())).is_ok())
            })
    }

    pub(super) fn check_on_two_threads(group: Group, runtime: &Arc<Runtime>, keys: u32) -> Group {
        let quota = Quota::per_second(NonZeroU32::new(PLENTY).unwrap());
        let limiter: &'static _ = Box::leak(Box::new(RateLimiter::keyed(quota)));
        let check = |text: &String| ready(limiter.check_key(text).is_ok());
        group.callers(GOVERNOR, runtime, 2, move || batch(keys, check))
    }

    /// The peer from the same extension as ours.
    #[derive(Clone, Debug)]
    struct ByPeer;

    impl KeyExtractor for ByPeer {
        type Key = IpAddr;

        fn extract<T>(&self, request: &Request<T>) -> Result<IpAddr, GovernorError> {
            let Some(Peer(peer)) = request.extensions().get() else {
                return Err(GovernorError::UnableToExtractKey);
            };
            Ok(peer.ip())
        }
    }

    /// So many at once, and hardly more afterwards.
    pub(super) fn layer<S>(
        service: S,
        burst: u32,
    ) -> impl Service<Request<()>, Response = Response<Body>, Error: Debug> + Clone
    where
        S: Service<Request<()>, Response = Response<Body>, Error = Infallible, Future: Send>
            + Clone
            + Send
            + 'static,
    {
        let config = GovernorConfigBuilder::default()
            .period(Duration::from_secs(if burst == 1 { 3_600 } else { 1 }))
            .burst_size(burst)
            .key_extractor(ByPeer)
            .use_headers()
            .finish()
            .unwrap();
        GovernorLayer::new(config).layer(service)
    }
}
