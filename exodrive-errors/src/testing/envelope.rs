use http::HeaderMap;
use http::Response;
use http::header;
use serde_json::Value;

use crate::envelope::ErrorEnvelope;
use crate::problem;

/// The envelope of a response.
///
/// # Panics
///
/// If the response is not an envelope in every respect; the message lists each respect in which it is not.
#[track_caller]
pub fn assert_envelope<B: AsRef<[u8]>>(response: &Response<B>) -> ErrorEnvelope {
    match check_envelope(response) {
        Ok(envelope) => envelope,
        Err(faults) => panic!(
            "the response is not an error envelope: {}\nstatus: {}\nbody: {}",
            faults.join("; "),
            response.status(),
            String::from_utf8_lossy(response.body().as_ref()),
        ),
    }
}

/// The envelope of a response, or each respect in which it is none.
///
/// # Errors
///
/// Lists every rule of the wire format that the response breaks.
pub fn check_envelope<B: AsRef<[u8]>>(
    response: &Response<B>,
) -> Result<ErrorEnvelope, Vec<String>> {
    let mut faults = header_faults(response);
    match serde_json::from_slice::<Value>(response.body().as_ref()) {
        Ok(document) => faults.extend(document_faults(response, &document)),
        Err(error) => faults.push(format!("the body is not JSON ({error})")),
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let (parts, ()) = response_head(response).into_parts();
    let body = response.body().as_ref();
    Ok(ErrorEnvelope::from_response_parts(&parts, body))
}

/// What the headers of an envelope must say; for `HEAD` that is all there is.
pub(super) fn header_faults<B>(response: &Response<B>) -> Vec<String> {
    let headers = response.headers();
    let content_type = text(headers, header::CONTENT_TYPE.as_str());
    let nosniff = text(headers, header::X_CONTENT_TYPE_OPTIONS.as_str());
    let status = response.status();
    [
        (
            !(status.is_client_error() || status.is_server_error()),
            "the status is neither 4xx nor 5xx",
        ),
        (
            content_type != "application/json" && content_type != problem::MEDIA_TYPE,
            "the content type is neither application/json nor application/problem+json",
        ),
        (
            !headers.contains_key(header::CACHE_CONTROL),
            "there is no cache-control",
        ),
        (
            nosniff != "nosniff",
            "x-content-type-options is not nosniff",
        ),
        (
            text(headers, "x-trace-id").is_empty(),
            "there is no x-trace-id",
        ),
        (
            text(headers, "x-error-code").is_empty(),
            "there is no x-error-code",
        ),
    ]
    .into_iter()
    .filter(|(broken, _)| *broken)
    .map(|(_, fault)| fault.to_owned())
    .collect()
}

fn document_faults<B>(response: &Response<B>, document: &Value) -> Vec<String> {
    let headers = response.headers();
    let error = &document["error"];
    let member = |name: &str| error[name].as_str().unwrap_or_default();
    let timestamp = member("timestamp").as_bytes();
    let wait = error.pointer("/details/retryAfter");
    let told = text(headers, header::RETRY_AFTER.as_str())
        .parse::<u64>()
        .ok();
    [
        (
            document["status"] != response.status().as_u16(),
            "status is not that of the response",
        ),
        (
            member("code").is_empty() || member("code") != text(headers, "x-error-code"),
            "error.code is not x-error-code",
        ),
        (member("message").is_empty(), "error.message is empty"),
        (
            error
                .get("details")
                .is_some_and(|details| !details.is_object()),
            "error.details is there and not an object",
        ),
        (
            timestamp.len() != 24 || timestamp[19] != b'.' || timestamp[23] != b'Z',
            "error.timestamp is not UTC with three fraction digits",
        ),
        (
            member("traceId") != text(headers, "x-trace-id"),
            "error.traceId is not x-trace-id",
        ),
        (
            wait.is_some_and(|wait| wait.as_u64().is_none_or(|seconds| seconds == 0)),
            "details.retryAfter is not a whole number of at least 1",
        ),
        (
            told.is_some_and(|told| wait.and_then(Value::as_u64) != Some(told.max(1))),
            "details.retryAfter is not what Retry-After says",
        ),
    ]
    .into_iter()
    .filter(|(broken, _)| *broken)
    .map(|(_, fault)| fault.to_owned())
    .collect()
}

fn response_head<B>(response: &Response<B>) -> Response<()> {
    let mut head = Response::new(());
    *head.status_mut() = response.status();
    *head.headers_mut() = response.headers().clone();
    head
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}
