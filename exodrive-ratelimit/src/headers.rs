//! Telling clients where they stand.
//!
//! `RateLimit-Policy` and `RateLimit` follow draft-ietf-httpapi-ratelimit-headers-11: lists of strings with integer
//! parameters, one item for each limit that applied. The older `X-RateLimit-*` fields have room for one limit and
//! tell of the one closest to exhaustion.

mod text;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use self::text::{date, list};
pub(crate) use self::text::{number, value};
use crate::decision::{Decision, LimitState, Outcome};
use crate::time::whole_seconds;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// How long to stay away when the store cannot tell, which says nothing about when it will.
pub(crate) const UNAVAILABLE_FOR: Duration = Duration::from_secs(1);

/// Which headers tell clients about their limits.
///
/// Defaults to [`both`](Self::both). Refusals carry `Retry-After` and `cache-control: no-store` whatever the style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderStyle {
    /// No headers.
    None,
    /// `RateLimit-Policy` and `RateLimit` as of draft 11.
    Draft11,
    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`.
    Legacy(ResetFormat),
    /// All five.
    Both(ResetFormat),
}

/// How `X-RateLimit-Reset` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResetFormat {
    /// Seconds since 1970, rounded up.
    #[default]
    EpochSeconds,
    /// A point in time as of RFC 3339, in UTC and whole seconds, rounded up: `2026-01-31T12:00:00Z`.
    Rfc3339,
}

impl Default for HeaderStyle {
    fn default() -> Self {
        Self::both()
    }
}

impl HeaderStyle {
    /// Both families, the reset in epoch seconds.
    pub const fn both() -> Self {
        Self::Both(ResetFormat::EpochSeconds)
    }

    /// The `X-RateLimit-*` family alone, the reset in epoch seconds.
    pub const fn legacy() -> Self {
        Self::Legacy(ResetFormat::EpochSeconds)
    }

    fn speaks_draft(self) -> bool {
        matches!(self, Self::Draft11 | Self::Both(_))
    }

    /// How the reset is written, if at all: whoever writes headers must then know the time of day.
    fn reset_format(self) -> Option<ResetFormat> {
        match self {
            Self::Legacy(format) | Self::Both(format) => Some(format),
            Self::None | Self::Draft11 => None,
        }
    }

    /// Writes what the decision has to tell; `now` is asked only if the style needs the time of day. A refused client is
    /// asked to stay away for `longer` than it must.
    pub(crate) fn write(
        self,
        headers: &mut HeaderMap,
        decision: &Decision,
        longer: Duration,
        now: impl FnOnce() -> SystemTime,
    ) {
        // Room for all, to grow but once; no more, since what is not needed has to be allocated all the same.
        headers.reserve(match (self, decision.outcome()) {
            (Self::None, Outcome::Allowed) => 0,
            (Self::None, _) => 2,
            (_, Outcome::Allowed) => 5,
            _ => 7,
        });
        if self.speaks_draft()
            && let Some(policies) = policies(decision)
            && let Some(states) = list(decision.enforced().map(state))
        {
            headers.insert(RATELIMIT_POLICY, policies);
            headers.insert(RATELIMIT, states);
        }
        if let (Some(format), Some(limit)) = (self.reset_format(), decision.tightest()) {
            let reset = epoch_seconds(now(), limit.replenished_after());
            headers.insert(X_RATELIMIT_LIMIT, limit.terms().quota().clone());
            headers.insert(X_RATELIMIT_REMAINING, number(limit.remaining()));
            headers.insert(
                X_RATELIMIT_RESET,
                match format {
                    ResetFormat::EpochSeconds => number(reset),
                    ResetFormat::Rfc3339 => value(date(reset).into_bytes()),
                },
            );
        }
        if let Some(wait) = retry_after(decision) {
            headers.insert(
                RETRY_AFTER,
                number(whole_seconds(wait.saturating_add(longer)).max(1)),
            );
        }
        if decision.outcome() != Outcome::Allowed {
            // RFC 6585 section 4: a cache must not store a 429; one cannot know that a 503 here is about one client.
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

/// How long a refused client should stay away, if there is an end to it.
pub(crate) fn retry_after(decision: &Decision) -> Option<Duration> {
    match decision.outcome() {
        Outcome::Allowed => None,
        Outcome::Refused | Outcome::Banned | Outcome::Denied => decision.retry_after(),
        Outcome::Unavailable => Some(UNAVAILABLE_FOR),
    }
}

/// Most requests meet one limit, whose policy is written already.
fn policies(decision: &Decision) -> Option<HeaderValue> {
    let policies = || decision.enforced().map(|limit| limit.terms().policy());
    let mut some = policies();
    match (some.next(), some.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => list(policies().map(|policy| policy.as_bytes().to_vec())),
    }
}

fn state(limit: &LimitState) -> Vec<u8> {
    let (mut remaining, mut reset) = (itoa::Buffer::new(), itoa::Buffer::new());
    let remaining = remaining.format(limit.remaining());
    let reset = reset.format(whole_seconds(limit.replenished_after()));
    let texts = [limit.terms().state(), remaining, ";t=", reset];
    texts.concat().into_bytes()
}

fn epoch_seconds(now: SystemTime, after: Duration) -> u64 {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    whole_seconds(now.saturating_add(after))
}

#[cfg(test)]
mod tests;
