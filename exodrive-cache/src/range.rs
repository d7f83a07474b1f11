//! Single byte ranges of a complete stored answer (RFC 9110, section 14).

use std::ops::Range;
use std::time::{Duration, SystemTime};

use http::header::{DATE, HeaderMap, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderValue, StatusCode};

use crate::date::date_field;
use crate::entity_tag::EntityTag;
use crate::sole::sole;

/// What a client is sent of a stored body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Selection {
    /// All of it, with the stored status.
    Full,
    /// Some of it, with 206.
    Part(Part),
    /// Nothing, with 416.
    Unsatisfiable {
        /// `Content-Range`, which says how long the body is.
        content_range: HeaderValue,
    },
}

/// A part of a body that is not empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Part {
    /// Where it is in the body.
    pub(crate) bytes: Range<usize>,
    /// `Content-Range`, which says the same to the client.
    pub(crate) content_range: HeaderValue,
}

/// Where a range begins, and where it ends if it says so.
#[derive(Clone, Copy)]
enum Spec {
    /// From the first position up to the last, both included.
    From(u64, Option<u64>),
    /// So many bytes before the end.
    Last(u64),
}

/// Selects what a GET request asks for of a stored body of `length` bytes.
///
/// `received_at` is when the answer was stored. Several ranges, other units and whatever is
/// malformed are answered in full, which section 14.2 allows.
pub(crate) fn select(
    request: &HeaderMap,
    status: StatusCode,
    stored: &HeaderMap,
    received_at: SystemTime,
    length: usize,
) -> Selection {
    let Some(line) = sole(request, &RANGE) else {
        return Selection::Full;
    };
    if status != StatusCode::OK || !is_still_the_same(request, stored, received_at) {
        return Selection::Full;
    }
    match parse(line.as_bytes()) {
        Some(spec) => spec.of(length),
        None => Selection::Full,
    }
}

/// Returns whether the client has a part of this very content, as far as it says (section 13.1.5).
fn is_still_the_same(request: &HeaderMap, stored: &HeaderMap, received_at: SystemTime) -> bool {
    if !request.contains_key(IF_RANGE) {
        return true;
    }
    let Some(line) = sole(request, &IF_RANGE) else {
        return false;
    };
    if let Some(tag) = EntityTag::parse(line.as_bytes()) {
        return EntityTag::of(stored).is_some_and(|stored| stored.equals_strongly(tag));
    }
    let Some(modified) = date_field(stored, &LAST_MODIFIED) else {
        return false;
    };
    // A date tells contents apart only if there was no time left for another change in the same
    // second (section 8.8.2.2).
    let made = date_field(stored, &DATE).unwrap_or(received_at);
    let is_strong = made
        .duration_since(modified)
        .is_ok_and(|since| since >= Duration::from_secs(1));
    is_strong && date_field(request, &IF_RANGE) == Some(modified)
}

/// Reads a range in bytes, if it is the only one (section 14.1.2).
fn parse(line: &[u8]) -> Option<Spec> {
    let equals = line.iter().position(|&byte| byte == b'=')?;
    if !line[..equals].eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let mut ranges = line[equals + 1..]
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|range| !range.is_empty());
    let range = ranges.next()?;
    if ranges.next().is_some() {
        return None;
    }
    let dash = range.iter().position(|&byte| byte == b'-')?;
    match (&range[..dash], &range[dash + 1..]) {
        (b"", suffix) => Some(Spec::Last(position(suffix)?)),
        (first, b"") => Some(Spec::From(position(first)?, None)),
        (first, last) => {
            let (first, last) = (position(first)?, position(last)?);
            (first <= last).then_some(Spec::From(first, Some(last)))
        }
    }
}

/// Reads a number of any length; one beyond all bodies is as good as the largest.
fn position(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit))
    })
}

impl Spec {
    fn of(self, length: usize) -> Selection {
        let whole = length as u64;
        let (start, end) = match self {
            // There is no way to write a range of nothing, so an empty body is sent as it is.
            Self::Last(1..) if whole == 0 => return Selection::Full,
            Self::Last(suffix) => (whole.saturating_sub(suffix), whole),
            Self::From(first, None) => (first, whole),
            Self::From(first, Some(last)) => (first, last.saturating_add(1).min(whole)),
        };
        // Both ends are inside the body, whose length fits a `usize`.
        let bytes = start.min(whole) as usize..end as usize;
        if bytes.is_empty() {
            return Selection::Unsatisfiable {
                content_range: content_range(format_args!("*"), length),
            };
        }
        let content_range = content_range(format_args!("{start}-{}", end - 1), length);
        Selection::Part(Part {
            bytes,
            content_range,
        })
    }
}

fn content_range(range: std::fmt::Arguments<'_>, length: usize) -> HeaderValue {
    HeaderValue::try_from(format!("bytes {range}/{length}"))
        .expect("numbers and punctuation are visible ASCII")
}

#[cfg(test)]
mod tests;
