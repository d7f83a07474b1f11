//! The same type on the other side: what a client reads.

use std::time::Duration;
use std::time::SystemTime;

use exodrive_errors::ApiError;
use exodrive_errors::ErrorCode;
use exodrive_errors::ErrorEnvelope;
use exodrive_errors::ErrorLayer;
use exodrive_errors::FieldViolation;
use http::Response;
use http::StatusCode;
use http::response::Parts;
use proptest::prelude::*;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::support::Captured;
use crate::support::get;
use crate::support::through;

fn parts(status: u16, headers: &[(&str, &str)]) -> Parts {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(()).unwrap().into_parts().0
}

#[tokio::test]
async fn reads_everything_the_service_said() {
    let violation = FieldViolation::body("/days", "TOO_SMALL", "Please book at least one day");
    let sent = violation.clone();
    let before = SystemTime::now();
    let answer = through(ErrorLayer::new(), get("/"), move |_| {
        let error = ApiError::new(ErrorCode::VALIDATION_ERROR)
            .violation(sent.clone())
            .retry_after(Duration::from_secs(5));
        async { Ok(error.into()) }
    })
    .await;
    let envelope = answer.envelope();
    assert_eq!(envelope.code(), "VALIDATION_ERROR");
    assert_eq!(envelope.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(envelope.violations(), [violation]);
    assert_eq!(envelope.retry_after(), Some(Duration::from_secs(5)));
    assert_eq!(
        envelope.trace_id().unwrap().as_str(),
        answer.header("x-trace-id").unwrap()
    );
    let age = envelope
        .timestamp()
        .unwrap()
        .duration_since(before)
        .unwrap_or_default();
    assert!(age < Duration::from_secs(60));
}

#[test]
fn makes_the_best_of_what_is_no_envelope() {
    for (status, body, code, message) in [
        (
            502,
            "<html>",
            "EXTERNAL_SERVICE_ERROR",
            "A service we depend on did not answer, please try again later",
        ),
        (
            404,
            "",
            "NOT_FOUND",
            "We could not find what you asked for, please check the address",
        ),
        (
            409,
            "[1]",
            "CONFLICT",
            "This conflicts with the current state, please reload and try again",
        ),
        (
            409,
            "\"text\"",
            "CONFLICT",
            "This conflicts with the current state, please reload and try again",
        ),
        (
            403,
            r#"{"type":"about:blank","detail":"Not yours"}"#,
            "FORBIDDEN",
            "Not yours",
        ),
        (
            409,
            r#"{"error":{"code":7,"message":null,"details":null},"status":"x"}"#,
            "CONFLICT",
            "This conflicts with the current state, please reload and try again",
        ),
        (
            409,
            r#"{"error":{"code":"NEW_CODE","message":"m","new":1}}"#,
            "NEW_CODE",
            "m",
        ),
    ] {
        let envelope = ErrorEnvelope::from_response_parts(&parts(status, &[]), body.as_bytes());
        assert_eq!(envelope.code(), code, "{body}");
        assert_eq!(envelope.message(), message, "{body}");
        assert_eq!(envelope.status(), status, "{body}");
        assert_eq!(envelope.details(), None, "{body}");
        assert_eq!(envelope.trace_id(), None, "{body}");
    }
}

#[test]
fn headers_fill_in_for_absent_members() {
    let headers = [("retry-after", "7"), ("x-trace-id", "from-header")];
    let parts = parts(503, &headers);
    let envelope = ErrorEnvelope::from_response_parts(&parts, b"");
    assert_eq!(envelope.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(envelope.trace_id().unwrap().as_str(), "from-header");

    let body = br#"{"error": {"details": {"retryAfter": 3}, "traceId": "from-body"}}"#;
    let envelope = ErrorEnvelope::from_response_parts(&parts, body);
    assert_eq!(envelope.retry_after(), Some(Duration::from_secs(3)));
    assert_eq!(envelope.trace_id().unwrap().as_str(), "from-body");
}

#[tokio::test]
async fn the_failure_of_another_service_is_a_cause_for_the_log() {
    let headers = [("x-trace-id", "theirs-1")];
    let theirs = ErrorEnvelope::from_response_parts(&parts(503, &headers), b"");
    let log = Captured::start();
    let mut error = Some(ApiError::new(ErrorCode::EXTERNAL_SERVICE_ERROR).source(theirs));
    let answer = through(ErrorLayer::new(), get("/"), move |_| {
        let error = error.take().unwrap();
        async { Ok(error.into()) }
    })
    .await;
    assert_eq!(answer.status(), 502);
    let cause = "503 SERVICE_UNAVAILABLE: The service is not available at the moment, please try again later (trace id theirs-1)";
    assert_eq!(log.only().field("error"), Some(cause));
}

#[test]
fn says_whether_to_try_again() {
    for (status, code, retryable) in [
        (429, "RATE_LIMITED", true),
        (500, "DATABASE_ERROR", true),
        (500, "INTERNAL_ERROR", false),
        (503, "OUT_OF_CARS", true),
        (504, "INTERNAL_ERROR", true),
        (409, "CONFLICT", false),
    ] {
        let body = json!({"error": {"code": code}}).to_string();
        let envelope = ErrorEnvelope::from_response_parts(&parts(status, &[]), body.as_bytes());
        assert_eq!(envelope.is_retryable(), retryable, "{status} {code}");
    }
    let told = br#"{"error": {"code": "CONFLICT", "details": {"retryAfter": 1}}}"#;
    assert!(ErrorEnvelope::from_response_parts(&parts(409, &[]), told).is_retryable());
}

#[test]
fn leaves_out_violations_of_another_shape() {
    let body = json!({"error": {"details": {"errors": [
        1,
        {"pointer": "/a"},
        {"pointer": "/a", "in": "body", "code": "C", "message": "m", "more": true},
        {"pointer": "/a", "in": "elsewhere", "code": "C", "message": "m"},
    ]}}});
    let envelope: ErrorEnvelope = serde_json::from_value(body).unwrap();
    assert_eq!(
        envelope.violations(),
        [FieldViolation::body("/a", "C", "m")]
    );
}

#[test]
fn refuses_what_is_no_object() {
    for text in ["null", "1", "\"x\"", "[]", "{"] {
        assert!(
            serde_json::from_str::<ErrorEnvelope>(text).is_err(),
            "{text}"
        );
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            any_object(inner).prop_map(Value::from),
        ]
    })
}

/// Objects that often have the members of an envelope, with values of any type.
fn any_object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let name = prop_oneof![
        "error|status|code|message|details|timestamp|traceId|errors|retryAfter|help|detail",
        "\\PC{0,6}",
    ];
    proptest::collection::vec((name, value), 0..6).prop_map(Map::from_iter)
}

proptest! {
    #[test]
    fn takes_any_object(object in any_object(any_json())) {
        let text = Value::from(object).to_string();
        let envelope: ErrorEnvelope = serde_json::from_str(&text).unwrap();
        prop_assert!(!envelope.code().is_empty());
        prop_assert!(!envelope.message().is_empty());
        let _ = (envelope.violations(), envelope.retry_after(), envelope.is_retryable());
    }

    #[test]
    fn never_panics_on_any_response(status in 100_u16..1000, body in any::<Vec<u8>>()) {
        let envelope = ErrorEnvelope::from_response_parts(&parts(status, &[]), &body);
        prop_assert_eq!(envelope.status(), status);
    }

    #[test]
    fn any_envelope_reads_back_as_it_was(
        code in "[A-Z][A-Z0-9_]{1,20}[A-Z0-9]",
        message in "\\PC{1,40}",
        details in any_object(any_json()),
        milliseconds in 0_i64..253_402_207_200_000,
        trace_id in "[A-Za-z0-9._-]{8,64}",
        status in 400_u16..600,
    ) {
        let timestamp = jiff::Timestamp::from_millisecond(milliseconds).unwrap();
        let document = json!({
            "error": {
                "code": code,
                "message": message,
                "details": details,
                "timestamp": format!("{timestamp:.3}"),
                "traceId": trace_id,
            },
            "status": status,
        });
        let envelope: ErrorEnvelope = serde_json::from_value(document.clone()).unwrap();
        prop_assert_eq!(serde_json::to_value(&envelope).unwrap(), document);
        let text = serde_json::to_string(&envelope).unwrap();
        let again: ErrorEnvelope = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(again, envelope);
    }
}
