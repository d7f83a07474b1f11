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

    /// Writes the decision on a stored answer, and `Age` in whole seconds (RFC 9111, section 5.1).
    pub(crate) fn write_on_stored<B>(self, age: Duration, response: &mut Response<B>) {
        static AGES: Seconds = Seconds::behind("");
        let x_cache = HeaderValue::from_static(self.outcome.x_cache());
        let line = self.outcome.cache_status(response.status());
        let age = AGES.value(age.as_secs());
        write_in_place(response.headers_mut(), age, x_cache, line);
        response.extensions_mut().insert(self);
    }

    /// Writes the decision on any other answer: `X-Cache`, `Cache-Status`, and itself into the extensions.
    pub(crate) fn write<B>(self, response: &mut Response<B>) {
        let status = response.status();
        let headers = response.headers_mut();
        headers.insert(X_CACHE, HeaderValue::from_static(self.outcome.x_cache()));
        write_own_line(headers, self.outcome.cache_status(status));
        response.extensions_mut().insert(self);
    }
}

/// Writes what is told anew each time into the [room](make_room) that a stored header has for it.
///
/// To look at the first few fields costs less than to look three of them up.
fn write_in_place(
    headers: &mut HeaderMap,
    age: HeaderValue,
    x_cache: HeaderValue,
    line: HeaderValue,
) {
    let (mut age, mut x_cache, mut line) = (Some(age), Some(x_cache), Some(line));
    for (name, value) in headers.iter_mut() {
        if age.is_none() && x_cache.is_none() && line.is_none() {
            return;
        }
        let told = if *name == AGE {
            age.take()
        } else if *name == X_CACHE {
            x_cache.take()
        } else if *name == CACHE_STATUS && *value == PLACE {
            line.take()
        } else {
            None
        };
        if let Some(told) = told {
            *value = told;
        }
    }
    // An entry that another version has written may lack the room.
    let told = [(AGE, age), (X_CACHE, x_cache), (CACHE_STATUS, line)];
    for (name, value) in told {
        if let Some(value) = value {
            headers.append(name, value);
        }
    }
}

/// Makes room in a stored header for what is written on it each time it is served.
///
/// A clone of a map has no room to grow in, and to move all of it costs several times as much as to change a value. The room
/// is in front, where it is found at once.
pub(crate) fn make_room(headers: &mut HeaderMap) {
    let mut with_room = HeaderMap::with_capacity(headers.len() + 3);
    with_room.insert(AGE, HeaderValue::from_static("0"));
    with_room.insert(X_CACHE, HeaderValue::from_static("HIT"));
    for line in headers.get_all(CACHE_STATUS) {
        with_room.append(CACHE_STATUS, line.clone());
    }
    write_own_line(&mut with_room, HeaderValue::from_static(PLACE));
    for (name, value) in &*headers {
        if ![AGE, X_CACHE, CACHE_STATUS].contains(name) {
            with_room.append(name, value.clone());
        }
    }
    *headers = with_room;
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

    fn decision() -> CacheDecision {
        let outcome = Outcome::Hit {
            age: Duration::from_secs(2),
            ttl: Duration::from_secs(58),
        };
        CacheDecision::new("cars".into(), outcome)
    }

    fn assert_written(headers: &HeaderMap) {
        let lines: Vec<_> = headers.get_all(CACHE_STATUS).iter().collect();
        assert_eq!(lines, ["origin; hit", "exodrive; hit; ttl=58"]);
        let lines: Vec<_> = headers.get_all(X_CACHE).iter().collect();
        assert_eq!(lines, ["HIT"]);
    }

    #[test]
    fn writes_behind_the_caches_before_it() {
        let mut response = Response::new(());
        *response.headers_mut() = headers(&[("cache-status", "origin; hit"), ("x-cache", "MISS")]);
        decision().write(&mut response);
        assert_written(response.headers());
    }

    #[test]
    fn writes_on_a_stored_answer_with_or_without_room() {
        let stored = headers(&[
            ("cache-status", "origin; hit"),
            ("x-cache", "MISS"),
            ("link", "</a>"),
            ("link", "</b>"),
        ]);
        let mut with_room = stored.clone();
        make_room(&mut with_room);
        let fields = with_room.keys_len();
        for headers in [stored, with_room] {
            let mut response = Response::new(());
            *response.headers_mut() = headers;
            decision().write_on_stored(Duration::from_secs(2), &mut response);
            let headers = response.headers();
            assert_written(headers);
            assert_eq!(headers[AGE], "2");
            assert_eq!(headers.get_all("link").iter().count(), 2);
            assert_eq!(headers.keys_len(), fields);
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
