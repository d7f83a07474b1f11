//! What a refused client gets.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::{Response, StatusCode};

use crate::decision::{Decision, LimitState, Outcome};
use crate::headers;

/// A refusal: why, and until when.
///
/// It is in the extensions of the response that a refused request gets, for middleware further out that gives errors
/// their body, and the error of [`RateLimiter::check`](crate::RateLimiter::check).
/// It says nothing about whose requests were counted, so it may be shown to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimited {
    decision: Decision,
}

impl RateLimited {
    pub(crate) const fn new(decision: Decision) -> Self {
        Self { decision }
    }

    /// The decision behind the refusal.
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// After how long another try can succeed; `None` if it never can, because the request costs more than a limit ever
    /// admits.
    pub fn retry_after(&self) -> Option<Duration> {
        headers::retry_after(&self.decision)
    }

    /// The limit that refused; of several, the one that has room last. `None` if it was none of them: the store could not
    /// tell, or the client is banned or denied.
    pub fn limit(&self) -> Option<&LimitState> {
        let refusing = self.decision.limits().iter();
        refusing
            .filter(|limit| limit.refuses() && !limit.is_shadow())
            .max_by_key(|limit| limit.retry_after().unwrap_or(Duration::MAX))
    }

    /// 429 if a limit refused or the client is banned for a time, 403 if it is denied, 503 if the store could not tell.
    pub fn status(&self) -> StatusCode {
        match self.decision.outcome() {
            Outcome::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Outcome::Denied => StatusCode::FORBIDDEN,
            Outcome::Allowed | Outcome::Refused | Outcome::Banned => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl fmt::Display for RateLimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.decision.outcome(), self.limit()) {
            (Outcome::Banned, _) => f.write_str("banned for a time")?,
            (Outcome::Denied, _) => f.write_str("denied")?,
            (_, None) => f.write_str("the rate limits cannot be checked")?,
            (_, Some(limit)) => write!(f, "the rate limit `{}` is exhausted", limit.name())?,
        }
        match self.retry_after() {
            None if self.decision.outcome() == Outcome::Denied => Ok(()),
            None => f.write_str("; this can never be admitted"),
            Some(wait) => write!(f, "; retry after {wait:?}"),
        }
    }
}

impl Error for RateLimited {}

/// Makes the response to a refused request.
///
/// Implemented for closures from [`&RateLimited`](RateLimited) to a response. Only the body and headers of its own are
/// asked of it: the middleware sets the status, `Retry-After`, `cache-control: no-store` and the rate-limit headers,
/// and puts the [`RateLimited`] into the extensions.
pub trait ResponseForRefusal<B>: Clone {
    /// Makes the response.
    fn response_for_refusal(&self, refusal: &RateLimited) -> Response<B>;
}

impl<F, B> ResponseForRefusal<B> for F
where
    F: Fn(&RateLimited) -> Response<B> + Clone,
{
    fn response_for_refusal(&self, refusal: &RateLimited) -> Response<B> {
        self(refusal)
    }
}

/// The empty response: status and headers say it all.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct EmptyRefusal;

impl<B: Default> ResponseForRefusal<B> for EmptyRefusal {
    fn response_for_refusal(&self, _: &RateLimited) -> Response<B> {
        Response::new(B::default())
    }
}
