//! Conditional requests: those that clients send, and those that validate a stored answer.

use std::time::SystemTime;

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName};

use crate::date::date_field;
use crate::entity_tag::EntityTag;
use crate::hop_by_hop;
use crate::sole::sole;

/// What a client is sent of a stored answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Evaluation {
    /// All of it.
    Full,
    /// That it has not changed: 304 with [`not_modified_headers`], without a body.
    NotModified,
}

/// Fields that describe the content that the store has, byte for byte.
const OF_CONTENT: [HeaderName; 7] = [
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];

/// Evaluates the condition of a GET or HEAD request against a stored answer that may be served
/// (RFC 9110, section 13.2.2; RFC 9111, section 4.3.2).
///
/// `received_at` is when the answer was stored. Conditions on changing something, `If-Match` and
/// `If-Unmodified-Since`, are the handler's to evaluate.
pub(crate) fn evaluate(
    request: &HeaderMap,
    status: StatusCode,
    stored: &HeaderMap,
    received_at: SystemTime,
) -> Evaluation {
    // An error is sent in full (RFC 9110, section 13.2.1).
    if !status.is_success() {
        return Evaluation::Full;
    }
    let unchanged = if request.contains_key(header::IF_NONE_MATCH) {
        is_among_the_known(request, stored)
    } else {
        date_field(request, &header::IF_MODIFIED_SINCE).is_some_and(|since| {
            let modified = date_field(stored, &header::LAST_MODIFIED)
                .or_else(|| date_field(stored, &header::DATE))
                .unwrap_or(received_at);
            modified <= since
        })
    };
    if unchanged {
        Evaluation::NotModified
    } else {
        Evaluation::Full
    }
}

/// Returns whether `If-None-Match` lists the stored answer's tag (RFC 9110, section 13.1.2).
fn is_among_the_known(request: &HeaderMap, stored: &HeaderMap) -> bool {
    if sole(request, &header::IF_NONE_MATCH).is_some_and(|line| line == "*") {
        return true;
    }
    EntityTag::of(stored).is_some_and(|tag| {
        request
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .any(|line| tag.is_listed_in(line.as_bytes()))
    })
}

/// Returns the header of a 304 that stands for a stored answer (RFC 9110, section 15.4.5).
///
/// It is the answer's own without what describes the content that is not sent. `Last-Modified` stays
/// where it is the only validator.
pub(crate) fn not_modified_headers(stored: &HeaderMap) -> HeaderMap {
    let mut headers = stored.clone();
    for name in &OF_CONTENT {
        headers.remove(name);
    }
    headers.remove(header::CONTENT_LANGUAGE);
    headers.remove(header::CONTENT_TYPE);
    if headers.contains_key(header::ETAG) {
        headers.remove(header::LAST_MODIFIED);
    }
    headers
}

/// Asks in a request for the handler's answer only if it is another one than what is stored, and
/// returns whether the stored answer has anything to tell by (RFC 9111, section 4.3.1).
///
/// The client's own validators make place for the stored ones.
pub(crate) fn validate(request: &mut HeaderMap, stored: &HeaderMap) -> bool {
    let validators = [
        (header::ETAG, header::IF_NONE_MATCH),
        (header::LAST_MODIFIED, header::IF_MODIFIED_SINCE),
    ];
    let mut any = false;
    for (validator, condition) in validators {
        // A tag is sent back as it came, well-formed or not: it is the handler that compares it.
        if let Some(value) = sole(stored, &validator) {
            request.insert(condition, value.clone());
            any = true;
        } else {
            request.remove(condition);
        }
    }
    any
}

/// Returns whether a 304 is about the stored answer that the request was made conditional on
/// (RFC 9111, section 4.3.4). If it is not, the request has to be sent again without a condition.
///
/// A 304 without any validator is about the one that it was asked with.
pub(crate) fn selects(stored: &HeaderMap, not_modified: &HeaderMap) -> bool {
    if not_modified.contains_key(header::ETAG) {
        let told = sole(not_modified, &header::ETAG);
        let known = sole(stored, &header::ETAG);
        if told.is_some() && told == known {
            return true;
        }
        let tags = (EntityTag::of(not_modified), EntityTag::of(stored));
        return matches!(tags, (Some(told), Some(known)) if told.is_weak() && told.equals_weakly(known));
    }
    if not_modified.contains_key(header::LAST_MODIFIED) {
        let told = date_field(not_modified, &header::LAST_MODIFIED);
        return told.is_some() && told == date_field(stored, &header::LAST_MODIFIED);
    }
    true
}

/// Returns the header of a stored answer that a 304 has confirmed (RFC 9111, section 3.2).
///
/// Each field of the 304 replaces all lines of the stored one, except what belongs to one
/// connection and what describes the stored content. How old the answer is only the 304 knows, so
/// the `Date` and `Age` of the stored header are gone in any case.
pub(crate) fn freshened(stored: &HeaderMap, not_modified: &HeaderMap) -> HeaderMap {
    let mut update = not_modified.clone();
    hop_by_hop::strip(&mut update);
    for name in &OF_CONTENT {
        update.remove(name);
    }
    let mut headers = stored.clone();
    headers.remove(header::DATE);
    headers.remove(header::AGE);
    headers.extend(update);
    headers
}

#[cfg(test)]
mod tests;
