//! How long a stored answer may be used, and whether it may be stored at all (RFC 9111).

use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{AGE, AUTHORIZATION, DATE, EXPIRES, HeaderMap, LAST_MODIFIED};

use crate::cache_control::{CacheControl, MAX_DELTA, delta_seconds};
use crate::date::date_field;
use crate::sole::sole;
use crate::vary;

/// For how long a stored answer is fresh, and for how long it is of use afterwards.
///
/// It is worked out once, when the answer is stored, so that a hit costs a few comparisons. Every
/// method takes the time for which the answer has been in the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Freshness {
    /// How old the answer may get before it is stale.
    pub(crate) lifetime: Duration,
    /// How old the answer was when it was stored.
    pub(crate) initial_age: Duration,
    /// For how long it may be served stale while it is being validated.
    pub(crate) stale_while_revalidate: Duration,
    /// For how long it may be served stale instead of an error.
    pub(crate) stale_if_error: Duration,
    /// Whether it may never be served stale, whatever a policy or a client would accept.
    pub(crate) must_revalidate: bool,
}

/// What a stored answer is good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// It is the answer.
    Fresh,
    /// It may be served while a request validates it (RFC 5861, section 3).
    Revalidatable,
    /// It may be served if validating it fails (RFC 5861, section 4).
    OnlyOnError,
    /// It may be served after it has been validated.
    Stale,
}

/// Why RFC 9111, section 3 keeps an answer out of a shared cache.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Why {
    /// The client asked for its exchange not to be stored.
    Request,
    /// The status is interim, or that of a part or a confirmation of an answer.
    Status,
    /// The answer is for caches that understand its status.
    NotUnderstood,
    /// `no-store`.
    NoStore,
    /// `private`.
    Private,
    /// The request was authorized, and nothing says that others may have the answer.
    Authorization,
    /// Nothing says for how long, and the status is not one for which a cache may guess.
    NotExplicit,
    /// No later request can be known to match (section 4.1).
    Vary,
}

/// An answer that has not been changed for ten days is taken to be good for another one.
const HEURISTIC_DIVISOR: u32 = 10;

/// A guess does not reach further than this.
const MAX_HEURISTIC: Duration = Duration::from_secs(24 * 60 * 60);

// === impl Freshness ===

impl Freshness {
    /// Works out what an answer's own header says to a shared cache.
    ///
    /// `requested_at` and `answered_at` are when the handler was asked and when its answer began.
    pub(crate) fn rfc9111(
        status: StatusCode,
        headers: &HeaderMap,
        requested_at: SystemTime,
        answered_at: SystemTime,
    ) -> Self {
        let directives = CacheControl::of_response(headers);
        // An answer without a date is of the moment when it came (RFC 9110, section 6.6.1).
        let date = date_field(headers, &DATE).unwrap_or(answered_at);
        let lifetime = if directives.no_cache {
            Duration::ZERO
        } else {
            explicit_lifetime(&directives, headers, date)
                .or_else(|| heuristic_lifetime(&directives, status, headers, date))
                .unwrap_or_default()
        };
        // Dates have whole seconds, so no more of the clock than that can be held against an answer.
        let apparent_age = answered_at
            .duration_since(date)
            .unwrap_or_default()
            .as_secs();
        let delay = answered_at.duration_since(requested_at).unwrap_or_default();
        Self {
            lifetime,
            // RFC 9111, section 4.2.3.
            initial_age: stated_age(headers)
                .saturating_add(delay)
                .max(Duration::from_secs(apparent_age)),
            stale_while_revalidate: directives.stale_while_revalidate.unwrap_or_default(),
            stale_if_error: directives.stale_if_error.unwrap_or_default(),
            // Each of them prohibits serving the answer stale (RFC 9111, section 4.2.4), `s-maxage`
            // because it includes `proxy-revalidate` (section 5.2.2.10).
            must_revalidate: directives.must_revalidate
                || directives.proxy_revalidate
                || directives.no_cache
                || directives.s_maxage.is_some(),
        }
    }

    /// Takes the durations of a policy, for an answer that the handler has just made.
    pub(crate) fn fixed(
        ttl: Duration,
        stale_while_revalidate: Duration,
        stale_if_error: Duration,
    ) -> Self {
        Self {
            lifetime: ttl,
            initial_age: Duration::ZERO,
            stale_while_revalidate,
            stale_if_error,
            must_revalidate: false,
        }
    }

    /// Returns how long ago the answer was made, or confirmed, by who made it.
    pub(crate) fn age(&self, resident: Duration) -> Duration {
        self.initial_age.saturating_add(resident)
    }

    /// Returns what the answer is good for if a client asks for nothing in particular.
    pub(crate) fn state(&self, resident: Duration) -> State {
        match self.staleness(resident) {
            None => State::Fresh,
            Some(_) if self.must_revalidate => State::Stale,
            Some(staleness) if staleness < self.stale_while_revalidate => State::Revalidatable,
            Some(staleness) if staleness < self.stale_if_error => State::OnlyOnError,
            Some(_) => State::Stale,
        }
    }

    /// Returns whether the answer may be served before it is validated, to a client that asks for
    /// what `request` says (RFC 9111, section 5.2.1).
    ///
    /// Without any directive that is the case if it is fresh or revalidatable. With `max-stale` it
    /// may be the case in any state.
    pub(crate) fn allows(&self, resident: Duration, request: &CacheControl) -> bool {
        let age = self.age(resident);
        let young = request.max_age.is_none_or(|max| age <= max);
        let long_fresh = request
            .min_fresh
            .is_none_or(|min| age.saturating_add(min) <= self.lifetime);
        if request.no_cache || !young || !long_fresh {
            return false;
        }
        match (self.staleness(resident), request.max_stale) {
            (None, _) => true,
            (Some(staleness), Some(max)) => !self.must_revalidate && staleness <= max,
            // A client that states an age does not accept a stale answer (section 5.2.1.1).
            (Some(_), None) => {
                request.max_age.is_none() && self.state(resident) == State::Revalidatable
            }
        }
    }

    /// Returns whether the answer may be served when validating it has failed: the answer or the
    /// request permits it with `stale-if-error` (RFC 5861, section 4).
    pub(crate) fn allows_on_error(&self, resident: Duration, request: &CacheControl) -> bool {
        let window = self
            .stale_if_error
            .max(request.stale_if_error.unwrap_or_default());
        match self.staleness(resident) {
            // Fresh but asked about all the same, by a client that would rather have it than nothing.
            None => !window.is_zero(),
            Some(staleness) => !self.must_revalidate && staleness < window,
        }
    }

    /// Returns for how long the answer has been stale, if it is (RFC 9111, section 4.2).
    fn staleness(&self, resident: Duration) -> Option<Duration> {
        self.age(resident).checked_sub(self.lifetime)
    }
}

/// Reads the lifetime that the answer states (RFC 9111, section 4.2.1).
fn explicit_lifetime(
    directives: &CacheControl,
    headers: &HeaderMap,
    date: SystemTime,
) -> Option<Duration> {
    let stated = directives.s_maxage.or(directives.max_age);
    if stated.is_some() || directives.targeted || !headers.contains_key(EXPIRES) {
        return stated;
    }
    // What is not a date, such as `0`, is in the past (section 5.3).
    let expires =
        date_field(headers, &EXPIRES).and_then(|expires| expires.duration_since(date).ok());
    Some(expires.unwrap_or_default().min(MAX_DELTA))
}

/// Guesses a lifetime from how long the answer had not been changed (RFC 9111, section 4.2.2).
fn heuristic_lifetime(
    directives: &CacheControl,
    status: StatusCode,
    headers: &HeaderMap,
    date: SystemTime,
) -> Option<Duration> {
    if !directives.public && !is_heuristically_cacheable(status) {
        return None;
    }
    let unchanged = date
        .duration_since(date_field(headers, &LAST_MODIFIED)?)
        .ok()?;
    Some((unchanged / HEURISTIC_DIVISOR).min(MAX_HEURISTIC))
}

/// Reads how old the answer says it is (RFC 9111, section 5.1).
///
/// An answer that passed no cache says nothing. Anything but one number is taken for the largest:
/// the section would ignore it, which makes an answer of unknown age a new one, while section 4.2.1
/// encourages caches to consider answers with invalid freshness information stale.
fn stated_age(headers: &HeaderMap) -> Duration {
    if !headers.contains_key(AGE) {
        return Duration::ZERO;
    }
    sole(headers, &AGE)
        .and_then(|line| delta_seconds(line.as_bytes()))
        .unwrap_or(MAX_DELTA)
}

// === storing ===

/// Decides whether a shared cache may store the answer to a request with a method that it knows.
pub(crate) fn storable(
    request: &HeaderMap,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<(), Why> {
    let directives = CacheControl::of_response(headers);
    if CacheControl::of_request(request).no_store {
        return Err(Why::Request);
    }
    if status.is_informational()
        || status == StatusCode::PARTIAL_CONTENT
        || status == StatusCode::NOT_MODIFIED
    {
        return Err(Why::Status);
    }
    if directives.must_understand {
        // Who understands the status ignores `no-store` (section 5.2.2.3).
        if !is_understood(status) {
            return Err(Why::NotUnderstood);
        }
    } else if directives.no_store {
        return Err(Why::NoStore);
    }
    if directives.private {
        return Err(Why::Private);
    }
    let shared = directives.must_revalidate || directives.public || directives.s_maxage.is_some();
    if request.contains_key(AUTHORIZATION) && !shared {
        return Err(Why::Authorization);
    }
    let explicit = directives.public
        || directives.max_age.is_some()
        || directives.s_maxage.is_some()
        || (headers.contains_key(EXPIRES) && !directives.targeted);
    if !explicit && !is_heuristically_cacheable(status) {
        return Err(Why::NotExplicit);
    }
    vary::names(headers).ok_or(Why::Vary)?;
    Ok(())
}

/// Returns whether a lifetime may be guessed for answers with this status (RFC 9110, section 15.1).
///
/// 206 is one of them, but not for a cache that does not store parts.
fn is_heuristically_cacheable(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

/// Returns whether the status is one whose rules of caching are followed here: those of RFC 9110
/// that ask nothing in particular of a cache.
fn is_understood(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200..=205 | 300..=303 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 500..=505
    )
}

#[cfg(test)]
mod tests;
