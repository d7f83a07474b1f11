//! Times on the wire: the envelope's timestamp and the `Retry-After` header. `now` is always an argument.

use std::fmt;
use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::HeaderValue;
use http::header::RETRY_AFTER;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// UTC with three fraction digits and `Z`, the format of JavaScript's `toISOString`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Iso(Timestamp);

pub(crate) fn to_iso(time: SystemTime) -> Iso {
    // A clock past the year 9999 is worth a wrong timestamp, not a panic.
    Iso(Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH))
}

impl fmt::Display for Iso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

pub(crate) fn from_iso(text: &str) -> Option<SystemTime> {
    text.parse::<Timestamp>().ok().map(SystemTime::from)
}

/// Whole seconds, rounded up so that a client never comes back too early, and at least one.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    let up = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(up).max(1)
}

/// `Retry-After` as seconds; both forms of RFC 9110, section 10.2.3, are read.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<u64>().ok().map(|seconds| seconds.max(1));
    }
    let date = DateTimeParser::new().parse_timestamp(text).ok()?;
    let wait = SystemTime::from(date)
        .duration_since(now)
        .unwrap_or_default();
    Some(whole_seconds(wait))
}

pub(crate) fn retry_after_value(wait: Duration) -> HeaderValue {
    HeaderValue::from(whole_seconds(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-21T12:34:56.789Z
    const NOW: Duration = Duration::from_millis(1_768_998_896_789);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + NOW
    }

    #[test]
    fn writes_three_fraction_digits_even_when_they_are_zero() {
        assert_eq!(to_iso(now()).to_string(), "2026-01-21T12:34:56.789Z");
        assert_eq!(
            to_iso(SystemTime::UNIX_EPOCH).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
        let finer = now() + Duration::from_nanos(999_999);
        assert_eq!(to_iso(finer).to_string(), "2026-01-21T12:34:56.789Z");
    }

    #[test]
    fn reads_what_it_writes() {
        assert_eq!(from_iso(&to_iso(now()).to_string()), Some(now()));
        assert_eq!(from_iso("yesterday"), None);
    }

    #[test]
    fn rounds_up_and_never_says_zero() {
        for (wait, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (36_400, 37)] {
            assert_eq!(whole_seconds(Duration::from_millis(wait)), seconds);
        }
        assert_eq!(whole_seconds(Duration::MAX), u64::MAX);
    }

    #[test]
    fn reads_both_forms_of_retry_after() {
        for (text, seconds) in [
            ("37", Some(37)),
            (" 37 ", Some(37)),
            ("0", Some(1)),
            ("Wed, 21 Jan 2026 12:35:10 GMT", Some(14)),
            ("Wed, 21 Jan 2026 12:00:00 GMT", Some(1)),
            ("99999999999999999999999", None),
            ("-3", None),
            ("soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
            assert_eq!(retry_after(&headers, now()), seconds, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now()), None);
    }
}
