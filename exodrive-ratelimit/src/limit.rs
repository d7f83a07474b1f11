//! One limit: how much, whose, of which requests, at what cost.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{request, response};

use crate::mistake::RuleMistake;
use crate::window::Window;
use crate::{Quota, Rule, Subject};

type SubjectOf = dyn Fn(&request::Parts) -> Option<Subject> + Send + Sync;
type Condition = dyn Fn(&request::Parts) -> bool + Send + Sync;
type CostOf = dyn Fn(&request::Parts) -> u32 + Send + Sync;
type SettledCost = dyn Fn(&response::Parts) -> u32 + Send + Sync;

/// A limit on what one subject may take.
///
/// It needs a name, a way of counting, and whose requests it counts; everything else has a default.
///
/// ```
/// use exodrive_ratelimit::{HOUR, Limit, Quota};
/// use http::Method;
///
/// let bookings = Limit::sliding_window("booking", 10, HOUR)
///     .by_user_or_ip()
///     .on(|request| request.method == Method::POST && request.uri.path() == "/bookings")
///     .settle(|response| u32::from(response.status.is_success()));
/// let search = Limit::gcra("search", Quota::per_second(20).burst(40)).by_ip().shadow();
/// # let _ = (bookings, search);
/// ```
#[derive(Clone)]
#[must_use = "a limit does nothing until it is given to a limiter"]
pub struct Limit {
    pub(crate) name: Arc<str>,
    pub(crate) way: Way,
    pub(crate) whose: Whose,
    pub(crate) unless_authenticated: bool,
    pub(crate) conditions: Vec<Arc<Condition>>,
    pub(crate) cost: Cost,
    pub(crate) settle: Option<Arc<SettledCost>>,
    pub(crate) lease: Option<u32>,
    pub(crate) shadow: bool,
    pub(crate) on_store_error: OnStoreError,
}

/// How a limit counts, as it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Window(u32, Duration),
    Gcra(Quota),
}

impl Way {
    pub(crate) fn rule(self) -> Result<Rule, RuleMistake> {
        match self {
            Self::Window(max, length) => Window::new(max, length).map(Rule::Window),
            Self::Gcra(quota) => quota.reduced().map(Rule::Gcra),
        }
    }
}

/// Whose requests a limit counts.
#[derive(Clone)]
pub(crate) enum Whose {
    Nobody,
    Ip,
    User,
    UserOrIp,
    Subject,
    Request(Arc<SubjectOf>),
}

impl Whose {
    /// Whether a subject that the limit counts is one client, and not something that many share.
    pub(crate) fn is_a_client(&self, subject: &Subject) -> bool {
        !matches!(self, Self::Request(_) | Self::Subject) || !subject.is_custom()
    }

    /// Whether the limit may count the subject, as far as the subject alone says.
    pub(crate) fn may_be(&self, subject: &Subject) -> bool {
        match self {
            Self::Subject | Self::UserOrIp => true,
            Self::Ip => subject.is_ip(),
            Self::User => !subject.is_ip(),
            Self::Request(_) | Self::Nobody => false,
        }
    }
}

/// What a request takes.
#[derive(Clone)]
pub(crate) enum Cost {
    Fixed(u32),
    Request(Arc<CostOf>),
}

/// What a limit decides when the store cannot tell.
///
/// Defaults to [`Local`](Self::Local): a limit neither opens nor closes because the store is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStoreError {
    /// This instance decides by itself: in the same way, in its own memory, by its share of the limit, which is the limit
    /// divided by the [number of instances](crate::Builder::instances) and rounded up.
    ///
    /// Everything it admits counts towards the share, also what the store admits, so however often the store comes and
    /// goes, `n` instances admit at most the limit and `n` shares in any window. What was admitted meanwhile is
    /// charged to the store once it answers, as far as it still counts.
    #[default]
    Local,
    /// Requests pass as if the limit did not apply to them.
    Allow,
    /// Requests are answered 503 with `Retry-After`: the service, not the client, is at fault.
    Deny,
}

impl Limit {
    /// Never more than `max` in any `window`, wherever the window is laid.
    ///
    /// What has been taken leaves in steps of a tenth of the window and never early, so a subject that always takes all
    /// it can waits up to a tenth longer than the window: "60 per minute" admits at most 60 in every 60 seconds and at
    /// least 60 in every 66.
    pub fn sliding_window(name: impl Into<Arc<str>>, max: u32, window: Duration) -> Self {
        Self::counting(name.into(), Way::Window(max, window))
    }

    /// A steady rate with a burst: see [`Quota`] for what that admits.
    pub fn gcra(name: impl Into<Arc<str>>, quota: Quota) -> Self {
        Self::counting(name.into(), Way::Gcra(quota))
    }

    fn counting(name: Arc<str>, way: Way) -> Self {
        Self {
            name,
            way,
            whose: Whose::Nobody,
            unless_authenticated: false,
            conditions: Vec::new(),
            cost: Cost::Fixed(1),
            settle: None,
            lease: None,
            shadow: false,
            on_store_error: OnStoreError::default(),
        }
    }

    /// Counts by the client's address.
    pub fn by_ip(mut self) -> Self {
        self.whose = Whose::Ip;
        self
    }

    /// Counts by whoever is signed in; does not apply to requests of nobody.
    pub fn by_user(mut self) -> Self {
        self.whose = Whose::User;
        self
    }

    /// Counts by whoever is signed in, and by the client's address where nobody is.
    pub fn by_user_or_ip(mut self) -> Self {
        self.whose = Whose::UserOrIp;
        self
    }

    /// Counts by a subject found in the request; does not apply where there is none.
    pub fn by(
        mut self,
        subject: impl Fn(&request::Parts) -> Option<Subject> + Send + Sync + 'static,
    ) -> Self {
        self.whose = Whose::Request(Arc::new(subject));
        self
    }

    /// Counts by the subject given to [`RateLimiter::check`](crate::RateLimiter::check); does not apply to requests.
    pub fn by_subject(mut self) -> Self {
        self.whose = Whose::Subject;
        self
    }

    /// Applies only where nobody is signed in.
    pub fn unless_authenticated(mut self) -> Self {
        self.unless_authenticated = true;
        self
    }

    /// Applies only to such requests. Said more than once, all conditions must hold.
    pub fn on(
        mut self,
        condition: impl Fn(&request::Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.conditions.push(Arc::new(condition));
        self
    }

    /// What every request takes. Defaults to 1.
    pub fn cost(mut self, cost: u32) -> Self {
        self.cost = Cost::Fixed(cost);
        self
    }

    /// What a request takes, found in the request. Zero takes nothing and is always admitted.
    pub fn cost_by(
        mut self,
        cost: impl Fn(&request::Parts) -> u32 + Send + Sync + 'static,
    ) -> Self {
        self.cost = Cost::Request(Arc::new(cost));
        self
    }

    /// What a request should have taken, found in its response.
    ///
    /// The cost is charged before the request is served, so that many at once cannot slip through, and corrected once
    /// the response is there. A request that ends without a response keeps its charge.
    pub fn settle(
        mut self,
        cost: impl Fn(&response::Parts) -> u32 + Send + Sync + 'static,
    ) -> Self {
        self.settle = Some(Arc::new(cost));
        self
    }

    /// Takes up to so many tokens from the store at once and spends them without asking again: for a limit that many
    /// requests share, such as one of the whole service or of a tenant.
    ///
    /// Nothing is ever admitted beyond the limit. What an instance holds and does not spend is refused to others for
    /// up to a second, at most `instances` times `tokens` of it; it holds less as the limit fills up.
    /// An order through [`Control`](crate::Control) may take that second longer to be heard of.
    ///
    /// It makes a difference to requests all of whose limits are leased, on a store that is not in memory. A limit that
    /// settles by the response cannot be leased.
    pub fn lease(mut self, tokens: u32) -> Self {
        self.lease = Some(tokens);
        self
    }

    /// Watches without refusing: decided, charged and reported like any limit, but without effect and never told to
    /// clients.
    pub fn shadow(mut self) -> Self {
        self.shadow = true;
        self
    }

    /// What is decided when the store cannot tell. Defaults to [`OnStoreError::Local`].
    pub fn on_store_error(mut self, policy: OnStoreError) -> Self {
        self.on_store_error = policy;
        self
    }

    /// Whether the limit applies to a subject by itself, without a request to ask.
    pub(crate) fn applies_to(&self, subject: &Subject) -> bool {
        self.conditions.is_empty()
            && (subject.is_ip() || !self.unless_authenticated)
            && match self.whose {
                Whose::Subject | Whose::UserOrIp => true,
                Whose::Ip => subject.is_ip(),
                Whose::User => !subject.is_ip(),
                Whose::Request(_) | Whose::Nobody => false,
            }
    }

    /// Whether the limit must know who is signed in.
    pub(crate) fn asks_who_is_signed_in(&self) -> bool {
        self.unless_authenticated || matches!(self.whose, Whose::User | Whose::UserOrIp)
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit")
            .field("name", &self.name)
            .field("way", &self.way)
            .field("shadow", &self.shadow)
            .field("on_store_error", &self.on_store_error)
            .finish_non_exhaustive()
    }
}
