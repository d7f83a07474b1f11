//! The answer that a client gets from an entry.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::Entry;
use crate::body::ResponseBody;
use crate::conditional::{self, Evaluation};
use crate::range::{self, Selection};

/// What a client asks of an answer, whichever it is: no body, a part of it, or nothing if it is the
/// one that the client has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    /// The request's header, if there is a condition or a range in it.
    pub(crate) headers: Option<&'a HeaderMap>,
}

/// Makes an answer from an entry, but for what is told anew each time.
pub(crate) fn respond<B>(entry: &Entry, asked: Asked<'_>) -> Response<ResponseBody<B>> {
    let (status, headers) = (entry.status(), entry.headers());
    asked
        .not_modified(status, headers, entry.answered_at())
        .unwrap_or_else(|| content(entry, asked))
}

impl Asked<'_> {
    /// Returns a 304 if the client has said that it has an answer with this head already.
    pub(crate) fn not_modified<B: Default>(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        received_at: SystemTime,
    ) -> Option<Response<B>> {
        match conditional::evaluate(self.headers?, status, headers, received_at) {
            Evaluation::Full => None,
            Evaluation::NotModified => {
                let mut response = Response::new(B::default());
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                *response.headers_mut() = conditional::not_modified_headers(headers);
                Some(response)
            }
        }
    }
}

fn content<B>(entry: &Entry, asked: Asked<'_>) -> Response<ResponseBody<B>> {
    let body = entry.body();
    let mut response = Response::new(ResponseBody::default());
    *response.status_mut() = entry.status();
    *response.headers_mut() = entry.headers().clone();
    if asked.method == Method::HEAD {
        // What the body would have been long (RFC 9110, section 9.3.2).
        let length = HeaderValue::from(body.len());
        response.headers_mut().insert(CONTENT_LENGTH, length);
        return response;
    }
    let selection = asked.headers.map_or(Selection::Full, |request| {
        range::select(
            request,
            entry.status(),
            entry.headers(),
            entry.answered_at(),
            body.len(),
        )
    });
    let (status, part, content_range) = match selection {
        Selection::Full => {
            *response.body_mut() = ResponseBody::stored(body.clone());
            return response;
        }
        Selection::Part(part) => (
            StatusCode::PARTIAL_CONTENT,
            body.slice(part.bytes),
            part.content_range,
        ),
        Selection::Unsatisfiable { content_range } => (
            StatusCode::RANGE_NOT_SATISFIABLE,
            Bytes::new(),
            content_range,
        ),
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(part.len()));
    headers.insert(CONTENT_RANGE, content_range);
    *response.body_mut() = ResponseBody::stored(part);
    response
}
