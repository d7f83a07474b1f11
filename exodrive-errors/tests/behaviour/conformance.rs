//! The test kit finds what it is there to find.

use std::convert::Infallible;

use bytes::Bytes;
use exodrive_errors::ApiError;
use exodrive_errors::ErrorCode;
use exodrive_errors::ErrorLayer;
use exodrive_errors::testing::Conformance;
use exodrive_errors::testing::assert_envelope;
use exodrive_errors::testing::check_envelope;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Response;
use http_body_util::Full;
use serde_json::Value;
use tower::Layer;
use tower::service_fn;

use crate::support::TestRequest;
use crate::support::TestResponse;
use crate::support::always;

/// A router of the plainest kind: text, empty bodies, a panic.
async fn plain(request: TestRequest) -> Result<TestResponse, Infallible> {
    let status = match (request.method().as_str(), request.uri().path()) {
        ("POST", "/cars") => 400,
        (_, "/cars") => 405,
        (_, "/panic") => panic!("on purpose"),
        _ => 404,
    };
    Ok(Response::builder()
        .status(status)
        .body(Full::default())
        .unwrap())
}

fn run() -> Conformance {
    Conformance::new()
        .json_route(Method::POST, "/cars")
        .route("/cars")
        .failing_route(Method::GET, "/panic")
}

#[tokio::test]
async fn a_service_behind_the_layer_conforms() {
    let report = run().run(ErrorLayer::new().layer(service_fn(plain))).await;
    assert!(report.is_conforming(), "{report}");
    assert_eq!(report.to_string(), "9 of 9 failures are envelopes");
}

#[tokio::test]
async fn a_service_without_the_layer_is_reported_request_by_request() {
    let report = Conformance::new()
        .json_route(Method::POST, "/cars")
        .run(service_fn(plain))
        .await;
    assert_eq!(report.failures().len(), report.probes());
    let text = report.to_string();
    for line in [
        "0 of 7 failures are envelopes",
        "unknown path (GET /there-is-nothing-at-this-path): the content type is neither",
        "wrong method (NOSUCHMETHOD /cars):",
        "huge body (POST /cars):",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[tokio::test]
async fn a_success_where_there_must_be_a_failure_is_reported() {
    let report = Conformance::new()
        .run(always(|| Response::new(Full::default())))
        .await;
    assert!(report.failures()[0].contains("the status is neither 4xx nor 5xx"));
}

#[tokio::test]
async fn a_path_that_is_none_is_reported() {
    let report = Conformance::new()
        .route("no path")
        .run(ErrorLayer::new().layer(service_fn(plain)))
        .await;
    assert!(report.failures()[0].contains("this is no path"), "{report}");
}

#[tokio::test]
async fn every_request_carries_the_headers_it_was_given() {
    let name = HeaderName::from_static("x-key");
    let service = service_fn(|request: TestRequest| async move {
        assert_eq!(request.headers()["x-key"], "1");
        Ok::<TestResponse, Infallible>(ApiError::new(ErrorCode::FORBIDDEN).into())
    });
    let run = run().header(name, HeaderValue::from_static("1"));
    let report = run.run(ErrorLayer::new().layer(service)).await;
    assert!(report.is_conforming(), "{report}");
}

fn good() -> Response<Bytes> {
    let wait = std::time::Duration::from_secs(3);
    ApiError::new(ErrorCode::RATE_LIMITED)
        .retry_after(wait)
        .into()
}

/// A response with one member of its document changed.
fn spoiled(pointer: &str, value: Value) -> Response<Bytes> {
    good().map(|body| {
        let mut document: Value = serde_json::from_slice(&body).unwrap();
        *document.pointer_mut(pointer).unwrap() = value;
        document.to_string().into()
    })
}

#[test]
fn each_rule_of_the_format_is_checked() {
    assert_eq!(assert_envelope(&good()).code(), "RATE_LIMITED");
    for (pointer, value, fault) in [
        ("/status", 500.into(), "status is not that of the response"),
        (
            "/error/code",
            "OTHER".into(),
            "error.code is not x-error-code",
        ),
        ("/error/message", "".into(), "error.message is empty"),
        (
            "/error/details",
            Value::Null,
            "error.details is there and not an object",
        ),
        (
            "/error/details/retryAfter",
            0.into(),
            "details.retryAfter is not a whole number",
        ),
        (
            "/error/details/retryAfter",
            4.into(),
            "details.retryAfter is not what Retry-After says",
        ),
        (
            "/error/timestamp",
            "2026-01-21T12:34:56Z".into(),
            "error.timestamp is not UTC",
        ),
        (
            "/error/traceId",
            "other-trace".into(),
            "error.traceId is not x-trace-id",
        ),
    ] {
        let faults = check_envelope(&spoiled(pointer, value)).unwrap_err();
        assert!(faults[0].starts_with(fault), "{faults:?}");
    }
    for name in [
        "content-type",
        "cache-control",
        "x-content-type-options",
        "x-trace-id",
        "x-error-code",
    ] {
        let mut response = good();
        response.headers_mut().remove(name);
        assert!(check_envelope(&response).is_err(), "{name}");
    }
}

#[test]
#[should_panic(expected = "the body is not JSON")]
fn an_assertion_says_what_is_wrong() {
    let _ = assert_envelope(&good().map(|_| Bytes::from_static(b"text")));
}
