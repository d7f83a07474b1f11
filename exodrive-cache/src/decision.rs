//! What the cache did with a request, and why.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AGE, Entry, HeaderMap};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::reason::{Bypass, StaleReason, Unanswered, Unstorable};
use crate::seconds::Seconds;

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// Keeps the place of this cache's member of `Cache-Status`, which always says more than its name.
const PLACE: &str = "exodrive";

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
        write_own_line(headers, self.outcome.cache_status(status));
        response.extensions_mut().insert(self);
    }
}

/// Makes room in a stored header for what is written on it each time it is served.
///
/// A clone of a map has no room to grow in, and to move all of it costs several times as much as to change a value.
pub(crate) fn make_room(headers: &mut HeaderMap) {
    headers.insert(AGE, HeaderValue::from_static("0"));
    headers.insert(X_CACHE, HeaderValue::from_static("HIT"));
    write_own_line(headers, HeaderValue::from_static(PLACE));
}

/// Writes this cache's own line of `Cache-Status`, behind those of the caches before it.
fn write_own_line(headers: &mut HeaderMap, value: HeaderValue) {
    match headers.entry(CACHE_STATUS) {
        Entry::Vacant(field) => {
            field.insert(value);
        }
        Entry::Occupied(mut field) => match field.iter_mut().next_back() {
            Some(line) if *line == PLACE => *line = value,
            _ => field.append(value),
        },
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
    fn cache_status(self, status: StatusCode) -> HeaderValue {
        static HIT: Seconds = Seconds::behind("exodrive; hit; ttl=");
        let status = status.as_u16();
        let parameters = match self {
            Self::Hit { ttl, .. } => return HIT.value(ttl.as_secs()),
            Self::Stale { reason, .. } => format!("hit; detail={}", reason.name()),
            Self::Revalidated => "fwd=stale; fwd-status=304; stored".to_owned(),
            Self::Coalesced => "fwd=miss; collapsed".to_owned(),
            Self::Miss { unstorable: None } => format!("fwd=miss; fwd-status={status}; stored"),
            Self::Miss {
                unstorable: Some(reason),
            } => format!("fwd=miss; fwd-status={status}; detail={}", reason.name()),
            Self::Unanswered(reason) => format!("fwd=miss; detail={}", reason.name()),
            Self::Bypass(Bypass::Method) => "fwd=method".to_owned(),
            Self::Bypass(reason) => format!("fwd=bypass; detail={}", reason.name()),
        };
        let value = HeaderValue::try_from(format!("{PLACE}; {parameters}"));
        value.expect("names and digits are visible ASCII")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::headers;

    fn written(mut headers: HeaderMap) -> HeaderMap {
        let outcome = Outcome::Hit {
            age: Duration::from_secs(2),
            ttl: Duration::from_secs(58),
        };
        let mut response = Response::new(());
        std::mem::swap(response.headers_mut(), &mut headers);
        CacheDecision::new("cars".into(), outcome).write(&mut response);
        response.into_parts().0.headers
    }

    #[test]
    fn writes_behind_the_caches_before_it() {
        let stored = headers(&[("cache-status", "origin; hit"), ("x-cache", "MISS")]);
        let mut with_room = stored.clone();
        make_room(&mut with_room);
        with_room.remove(AGE);
        for headers in [written(stored), written(with_room)] {
            let lines: Vec<_> = headers.get_all(CACHE_STATUS).iter().collect();
            assert_eq!(lines, ["origin; hit", "exodrive; hit; ttl=58"]);
            assert_eq!(headers[X_CACHE], "HIT");
            assert_eq!(headers.len(), 3);
        }
    }

    #[test]
    fn room_is_made_once() {
        let mut stored = HeaderMap::new();
        make_room(&mut stored);
        let once = stored.clone();
        make_room(&mut stored);
        assert_eq!(stored, once);
    }
}
