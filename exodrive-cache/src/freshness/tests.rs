mod lifetime;
mod properties;
mod staleness;
mod storing;

use std::time::UNIX_EPOCH;

use super::*;
use crate::samples::headers;

/// Sun, 06 Nov 1994 08:49:37 GMT, and then some.
fn answered_at() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(784_111_777_900)
}

const DATED: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
const AN_HOUR_LATER: (&str, &str) = ("expires", "Sun, 06 Nov 1994 09:49:37 GMT");
const TEN_HOURS_EARLIER: (&str, &str) = ("last-modified", "Sat, 05 Nov 1994 22:49:37 GMT");

fn with_status(status: u16, lines: &[(&'static str, &str)]) -> Freshness {
    let status = StatusCode::from_u16(status).unwrap();
    Freshness::rfc9111(status, &headers(lines), answered_at(), answered_at())
}

fn of(lines: &[(&'static str, &str)]) -> Freshness {
    with_status(200, lines)
}

fn lifetime(lines: &[(&'static str, &str)]) -> u64 {
    of(lines).lifetime.as_secs()
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn asking(directives: &str) -> CacheControl {
    CacheControl::of_request(&headers(&[("cache-control", directives)]))
}

/// Fresh for 60 seconds, then 30 to revalidate and 90 against errors.
fn lasting() -> Freshness {
    Freshness::fixed(seconds(60), seconds(30), seconds(90))
}
