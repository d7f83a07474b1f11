//! What a limiter was told to do: everything about it but its store.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::request::Parts;
use smallvec::SmallVec;

use super::claim::{Claim, Claims};
use super::doubts::Doubts;
use super::planned::Planned;
use crate::Subject;
use crate::client_ip::ClientIp;
use crate::control::{Terms, Whom};
use crate::decision::{Decision, Outcome};
use crate::headers::HeaderStyle;
use crate::limit::OnStoreError;
use crate::store::Charge;

pub(crate) type Identify = dyn Fn(&Parts) -> Option<Subject> + Send + Sync;

/// Everything about a limiter but its store.
pub(crate) struct Plan {
    pub(super) limits: Vec<Planned>,
    pub(super) client_ip: ClientIp,
    pub(super) identify: Option<Arc<Identify>>,
    headers: HeaderStyle,
    /// How much longer than it must a refused client is asked to stay away at most.
    retry_jitter: Duration,
    pub(super) penalty: Option<Terms>,
    pub(super) doubts: Doubts,
}

impl Plan {
    pub(super) const fn new(
        limits: Vec<Planned>,
        client_ip: ClientIp,
        identify: Option<Arc<Identify>>,
        headers: HeaderStyle,
        retry_jitter: Duration,
        penalty: Option<Terms>,
    ) -> Self {
        Self {
            limits,
            client_ip,
            identify,
            headers,
            retry_jitter,
            penalty,
            doubts: Doubts::new(),
        }
    }

    /// Whether a limit is decided here while the store cannot tell.
    pub(super) fn falls_back(&self) -> bool {
        let mut policies = self.limits.iter().map(Planned::on_store_error);
        policies.any(|policy| policy == OnStoreError::Local)
    }

    /// The subject as lists name it.
    pub(crate) fn whom(&self, subject: &Subject) -> Whom {
        self.client_ip.whom(subject)
    }

    /// The names of the limits, in their order.
    #[cfg(feature = "metrics")]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.limits.iter().map(Planned::name)
    }

    pub(super) fn planned(&self, limit: usize) -> &Planned {
        &self.limits[limit]
    }

    /// Whether all the claims can be met by tokens that are held here.
    pub(super) fn leases(&self, claims: &Claims) -> bool {
        let leased = |claim: &Claim| {
            let lease = self.planned(claim.limit).limit.lease;
            lease.is_some() && claim.cost > 0 && !claim.shadow
        };
        claims.iter().all(leased)
    }

    /// What the store is asked for the claims.
    pub(super) fn charges<'a>(&'a self, claims: &'a Claims) -> SmallVec<[Charge<'a>; 2]> {
        claims.iter().map(|claim| self.charge(claim)).collect()
    }

    /// What the store is asked for one claim.
    #[inline]
    pub(super) fn charge<'a>(&'a self, claim: &'a Claim) -> Charge<'a> {
        self.planned(claim.limit).charge(claim)
    }

    /// Merges what limiters further in decided, and says it all in the headers.
    pub(crate) fn tell<B>(&self, response: &mut http::Response<B>, mut decision: Decision) {
        if let Some(inner) = response.extensions_mut().remove::<Decision>() {
            if let Some(limit) = decision.limit_shared_with(&inner) {
                self.doubts.decided_twice(limit);
            }
            decision = decision.merge(inner);
        }
        self.write_headers(response.headers_mut(), &decision);
        response.extensions_mut().insert(decision);
    }

    pub(crate) fn write_headers(&self, headers: &mut HeaderMap, decision: &Decision) {
        let longer = match decision.outcome() {
            Outcome::Allowed => Duration::ZERO,
            _ => self.retry_jitter.mul_f64(fastrand::f64()),
        };
        self.headers
            .write(headers, decision, longer, SystemTime::now);
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("limits", &self.limits)
            .field("client_ip", &self.client_ip)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
