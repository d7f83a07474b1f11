//! A failed response of any service: it always reads as an envelope, and what was read survives a round trip.
#![no_main]

use exodrive_errors::ErrorEnvelope;
use http::{HeaderValue, Response, StatusCode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8], &[u8])| {
    let (status, retry_after, body) = input;
    let status =
        StatusCode::from_u16(100 + status % 900).expect("every number from 100 to 999 is a status");
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = status;
    if let Ok(value) = HeaderValue::from_bytes(retry_after) {
        parts.headers.insert("retry-after", value.clone());
        parts.headers.insert("x-trace-id", value);
    }

    let envelope = ErrorEnvelope::from_response_parts(&parts, body);
    assert_eq!(envelope.status(), status);
    assert!(!envelope.code().is_empty() && !envelope.message().is_empty());
    let _ = (
        envelope.violations(),
        envelope.is_retryable(),
        envelope.to_string(),
    );

    let written = serde_json::to_vec(&envelope).expect("an envelope is always JSON");
    let read: ErrorEnvelope = serde_json::from_slice(&written).expect("an envelope is always read");
    assert_eq!(
        serde_json::to_vec(&read).expect("an envelope is always JSON"),
        written
    );
    assert_eq!(read.code(), envelope.code());
    assert_eq!(read.details(), envelope.details());
    assert_eq!(read.retry_after(), envelope.retry_after());
});
