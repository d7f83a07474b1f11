//! From what was written down to a limiter that works.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use super::RateLimiter;
use super::doubts;
use super::plan::{Identify, Plan};
use super::planned::Planned;
use crate::Subject;
use crate::client_ip::ClientIp;
use crate::control::{Entry, Order, Penalty, Whom};
use crate::headers::HeaderStyle;
use crate::limit::{Limit, Whose};
use crate::mistake::{BuildError, Mistake};
use crate::store::Store;

/// The reason and the actor of what a limiter is built with.
const CONFIGURED: &str = "configuration";

/// Collects what a [`RateLimiter`] is made of.
#[must_use = "a builder does nothing until it builds"]
pub struct Builder<St> {
    store: St,
    limits: Vec<Limit>,
    client_ip: ClientIp,
    identify: Option<Arc<Identify>>,
    headers: HeaderStyle,
    instances: u32,
    retry_jitter: Duration,
    penalty: Option<Penalty>,
    configured: Vec<Entry>,
}

impl<St: Store> Builder<St> {
    pub(super) fn new(store: St) -> Self {
        Self {
            store,
            limits: Vec::new(),
            client_ip: ClientIp::default(),
            identify: None,
            headers: HeaderStyle::default(),
            instances: 1,
            retry_jitter: Duration::ZERO,
            penalty: None,
            configured: Vec::new(),
        }
    }

    /// Adds a limit. All limits that apply to a request must have room for it.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.limits.push(limit);
        self
    }

    /// How a client's address is found. Defaults to [`ClientIp::peer`].
    pub fn client_ip(mut self, client_ip: ClientIp) -> Self {
        self.client_ip = client_ip;
        self
    }

    /// Who is signed in, as far as a request says by the time it reaches the limiter.
    ///
    /// Only believe what has been verified, such as an extension set by the authentication middleware.
    pub fn identify(
        mut self,
        identify: impl Fn(&Parts) -> Option<Subject> + Send + Sync + 'static,
    ) -> Self {
        self.identify = Some(Arc::new(identify));
        self
    }

    /// Which headers tell clients about their limits. Defaults to [`HeaderStyle::both`].
    pub fn headers(mut self, style: HeaderStyle) -> Self {
        self.headers = style;
        self
    }

    /// Asks each refused client in `Retry-After` to stay away for up to so much longer than it must, so that clients that
    /// were refused together do not come back together. Whoever comes back earlier is admitted as soon as there is room.
    /// Defaults to zero.
    pub fn retry_jitter(mut self, most: Duration) -> Self {
        self.retry_jitter = most;
        self
    }

    /// How many instances of the service share the store, which is how limits are divided among them while it cannot
    /// tell: see [`OnStoreError::Local`](crate::OnStoreError::Local). Defaults to 1.
    pub fn instances(mut self, instances: u32) -> Self {
        self.instances = instances;
        self
    }

    /// Bans clients that go on after they have been refused. Defaults to no such thing.
    ///
    /// Refusals count against addresses, users and API keys, not against custom subjects that
    /// [`by`](Limit::by) or [`by_subject`](Limit::by_subject) names, which many may share.
    pub fn penalty(mut self, penalty: Penalty) -> Self {
        self.penalty = Some(penalty);
        self
    }

    /// Lets these through without limits, on top of what is [ordered](crate::Control::allow) while the service runs.
    pub fn allow(self, whom: impl IntoIterator<Item = Whom>) -> Self {
        self.configure(whom, Order::Allow)
    }

    /// Answers these with 403, on top of what is [ordered](crate::Control::deny) while the service runs.
    pub fn deny(self, whom: impl IntoIterator<Item = Whom>) -> Self {
        self.configure(whom, Order::Deny)
    }

    fn configure(
        mut self,
        whom: impl IntoIterator<Item = Whom>,
        order: impl Fn(Whom) -> Order,
    ) -> Self {
        let orders = whom.into_iter().map(order);
        let entries = orders.map(|order| Entry::new(order, None, CONFIGURED, CONFIGURED));
        self.configured.extend(entries);
        self
    }

    /// Checks everything and makes the limiter.
    ///
    /// # Errors
    ///
    /// If anything is wrong, with every mistake there is.
    pub fn build(self) -> Result<RateLimiter<St>, BuildError> {
        let mut mistakes = Vec::new();
        if self.limits.is_empty() {
            mistakes.push(Mistake::NoLimits);
        }
        mistakes.extend(self.client_ip.mistake());
        if self.instances == 0 {
            mistakes.push(Mistake::NoInstances);
        }

        let mut names = HashSet::new();
        let mut limits = Vec::with_capacity(self.limits.len());
        for limit in self.limits {
            let name = limit.name.to_string();
            if !is_name(&name) {
                mistakes.push(Mistake::Name(name.clone()));
            }
            if matches!(limit.whose, Whose::Nobody) {
                mistakes.push(Mistake::NoSubject(name.clone()));
            }
            if limit.asks_who_is_signed_in() && self.identify.is_none() {
                mistakes.push(Mistake::NotIdentified(name.clone()));
            }
            if limit.lease.is_some() && limit.settle.is_some() {
                mistakes.push(Mistake::LeaseSettles(name.clone()));
            }
            match limit.way.rule() {
                Ok(rule) => limits.push(Planned::new(limit, rule, self.instances.max(1))),
                Err(mistake) => mistakes.push(Mistake::Rule {
                    name: name.clone(),
                    mistake,
                }),
            }
            if let Some(name) = names.replace(name) {
                mistakes.push(Mistake::NameTaken(name));
            }
        }
        let penalty = self.penalty.and_then(|penalty| {
            let terms = penalty.terms();
            terms.map_err(|mistake| mistakes.push(mistake)).ok()
        });
        BuildError::of(mistakes)?;

        if self.client_ip.trusts_everybody() {
            doubts::trusts_everybody();
        }
        let plan = Plan::new(
            limits,
            self.client_ip,
            self.identify,
            self.headers,
            self.retry_jitter,
            penalty,
        );
        Ok(RateLimiter::new(plan, self.store, self.configured))
    }
}

/// Whether the name can be sent as a string of structured fields (RFC 9651 section 3.3.3) without escapes.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

impl<St: fmt::Debug> fmt::Debug for Builder<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("store", &self.store)
            .field("limits", &self.limits)
            .field("client_ip", &self.client_ip)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
