//! What the cache did with a request, and why.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::reason::{Bypass, StaleReason, Unanswered, Unstorable};

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What the cache did with a request; found in the extensions of every answer of a cached route.
#[derive(Clone, Debug)]
pub struct CacheDecision {
    policy: Arc<str>,
    outcome: Outcome,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// From the store, while it was fresh.
    Hit {
        /// How old the answer is.
        age: Duration,
        /// How long it stays fresh.
        ttl: Duration,
    },
    /// From the store, although its time was over.
    Stale {
        /// How old the answer is.
        age: Duration,
        /// Why it was served all the same.
        reason: StaleReason,
    },
    /// From the store, after the handler said that it is still right.
    Revalidated,
    /// From the handler, through an equal request that was under way already.
    Coalesced,
    /// From the handler, for this request.
    Miss {
        /// Why it was not stored; `None` if it was storable.
        unstorable: Option<Unstorable>,
    },
    /// From the cache, without an answer of the handler: a 503 or a 504 with no body.
    Unanswered(Unanswered),
    /// From the handler, because the request may not use the cache.
    Bypass(Bypass),
}

// === impl CacheDecision ===

impl CacheDecision {
    pub(crate) fn new(policy: Arc<str>, outcome: Outcome) -> Self {
        Self { policy, outcome }
    }

    /// Returns the name of the policy that decided.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Returns where the answer came from.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Writes the decision on an answer: `X-Cache`, `Cache-Status`, and itself into the extensions.
    pub(crate) fn write<B>(self, response: &mut Response<B>) {
        let status = response.status();
        let headers = response.headers_mut();
        headers.insert(X_CACHE, HeaderValue::from_static(self.outcome.x_cache()));
        if let Ok(value) = HeaderValue::try_from(self.outcome.cache_status(status)) {
            headers.append(CACHE_STATUS, value);
        }
        response.extensions_mut().insert(self);
    }
}

impl fmt::Display for CacheDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.policy, self.outcome)
    }
}

// === impl Outcome ===

impl Outcome {
    fn x_cache(self) -> &'static str {
        match self {
            Self::Hit { .. } | Self::Revalidated => "HIT",
            Self::Stale { .. } => "STALE",
            Self::Coalesced | Self::Miss { .. } | Self::Unanswered(_) => "MISS",
            Self::Bypass(_) => "BYPASS",
        }
    }

    /// Returns this cache's member of `Cache-Status` (RFC 9211, section 2).
    fn cache_status(self, status: StatusCode) -> String {
        let mut value = String::from("exodrive");
        // Writing to a string does not fail.
        let _ = match self {
            Self::Hit { ttl, .. } => write!(value, "; hit; ttl={}", ttl.as_secs()),
            Self::Stale { reason, .. } => write!(value, "; hit; detail={}", reason.name()),
            Self::Revalidated => write!(value, "; fwd=stale; fwd-status=304; stored"),
            Self::Coalesced => write!(value, "; fwd=miss; collapsed"),
            Self::Miss { unstorable: None } => {
                write!(value, "; fwd=miss; fwd-status={}; stored", status.as_u16())
            }
            Self::Miss {
                unstorable: Some(reason),
            } => {
                let (status, name) = (status.as_u16(), reason.name());
                write!(value, "; fwd=miss; fwd-status={status}; detail={name}")
            }
            Self::Unanswered(reason) => write!(value, "; fwd=miss; detail={}", reason.name()),
            Self::Bypass(Bypass::Method) => write!(value, "; fwd=method"),
            Self::Bypass(reason) => write!(value, "; fwd=bypass; detail={}", reason.name()),
        };
        value
    }
}
