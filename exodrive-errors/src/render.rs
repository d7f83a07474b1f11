//! From an [`ApiError`] to headers and a document. Pure: the status is that of the response, `now` an argument.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::header;
use http::response::Parts;

use crate::details::Help;
use crate::details::WholeDetails;
use crate::document::Document;
use crate::document::Object;
use crate::error::ApiError;
use crate::problem;
use crate::problem::Problem;
use crate::time;
use crate::trace_id::TraceId;
use crate::trace_id::X_TRACE_ID;

const X_ERROR_CODE: HeaderName = HeaderName::from_static("x-error-code");

/// Headers that describe the body being replaced. All others speak of the response and are kept.
const REPRESENTATION: [HeaderName; 15] = [
    header::ACCEPT_RANGES,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::ETAG,
    header::LAST_MODIFIED,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];

/// How many headers an envelope has at least; room for them is made at once.
const ADDED: usize = 6;

/// The error a response was made of, for the layer to render again with what only it knows.
#[derive(Debug, Clone)]
pub(crate) struct Carried(pub(crate) Arc<ApiError>);

/// What the request and the layer add to an error.
#[derive(Debug)]
pub(crate) struct Presentation<'a> {
    pub(crate) trace_id: TraceId,
    /// The client asked for an RFC 9457 problem.
    pub(crate) problem: bool,
    /// What the name of a code is appended to.
    pub(crate) docs_url: Option<&'a str>,
    /// How to reach support.
    pub(crate) support: Option<&'a str>,
}

impl Presentation<'_> {
    /// Nothing but a trace id.
    pub(crate) fn plain(trace_id: TraceId) -> Self {
        Self {
            trace_id,
            problem: false,
            docs_url: None,
            support: None,
        }
    }
}

/// Adds the headers the error brings. `Retry-After` has one value; others may be repeated.
pub(crate) fn apply_headers(error: &ApiError, parts: &mut Parts) {
    for (name, value) in error.headers() {
        if name == header::RETRY_AFTER {
            parts.headers.insert(name.clone(), value.clone());
        } else {
            parts.headers.append(name.clone(), value.clone());
        }
    }
}

/// Writes the document and sets the headers that describe it. `parts.status` is the status.
pub(crate) fn render(
    error: &ApiError,
    parts: &mut Parts,
    presentation: &Presentation<'_>,
    now: SystemTime,
) -> Bytes {
    let code = error.code();
    let docs_url = presentation
        .docs_url
        .map(|base| [base, code.name()].concat());
    let docs_url = docs_url.as_deref();
    let problem = presentation
        .problem
        .then(|| Problem::new(docs_url, parts.status));
    let content_type = match problem {
        Some(_) => HeaderValue::from_static(problem::MEDIA_TYPE),
        None => HeaderValue::from_static("application/json"),
    };
    let support = presentation
        .support
        .filter(|_| parts.status.is_server_error());
    let details = WholeDetails {
        own: error.own_details(),
        retry_after: time::retry_after(&parts.headers, now),
        help: Help::new(error.own_details(), code.steps(), docs_url, support),
    };
    let object = Object {
        code: code.name(),
        message: error.client_message(),
        details: (!details.is_empty()).then_some(details),
        timestamp: Some(now),
        trace_id: Some(presentation.trace_id),
    };
    let document = Document::new(object, parts.status, problem).to_bytes();

    let headers = &mut parts.headers;
    // Far fewer headers are there than could be.
    let stale = headers.keys().filter(|name| REPRESENTATION.contains(name));
    for name in stale.cloned().collect::<Vec<_>>() {
        headers.remove(name);
    }
    headers.reserve(ADDED);
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_LENGTH, document.len().into());
    // A stored envelope would show its trace id to somebody else, so only the error itself can allow it.
    if !error.headers().contains_key(header::CACHE_CONTROL) {
        let no_store = HeaderValue::from_static("no-store");
        headers.insert(header::CACHE_CONTROL, no_store);
    }
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    headers.insert(X_TRACE_ID, presentation.trace_id.to_header_value());
    headers.insert(X_ERROR_CODE, HeaderValue::from_static(code.name()));
    document
}
