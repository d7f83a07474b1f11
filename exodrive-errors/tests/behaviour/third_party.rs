//! Layers of others inside and around: their refusals become envelopes without any wiring.

use std::any::Any;
use std::time::Duration;

use bytes::Bytes;
use exodrive_errors::BoxError;
use exodrive_errors::ErrorLayer;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http_body_util::Full;
use tower::Layer;
use tower::ServiceBuilder;
use tower::service_fn;
use tower::util::BoxCloneSyncService;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::support::Captured;
use crate::support::TestResponse;
use crate::support::get;
use crate::support::send;

#[tokio::test]
async fn a_body_limit_is_payload_too_large() {
    let service = ServiceBuilder::new()
        .layer(ErrorLayer::new())
        .layer(RequestBodyLimitLayer::new(10))
        .service(service_fn(|_| async {
            Ok::<_, BoxError>(Response::new(Full::<Bytes>::default()))
        }));
    let request = Request::post("/")
        .header("content-length", "11")
        .body(Full::from("hello world"))
        .unwrap();
    let answer = send(service, request).await;
    assert_eq!(answer.status(), 413);
    assert_eq!(answer.envelope().code(), "PAYLOAD_TOO_LARGE");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_the_code_of_its_status() {
    for (status, code) in [
        (StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT"),
        (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE"),
        (StatusCode::GATEWAY_TIMEOUT, "INTERNAL_ERROR"),
    ] {
        let log = Captured::start();
        let service = ServiceBuilder::new()
            .layer(ErrorLayer::new())
            .map_response(|mut response: Response<_>| {
                if response.status().is_server_error() {
                    let wait = HeaderValue::from_static("30");
                    response.headers_mut().insert("retry-after", wait);
                }
                response
            })
            .layer(TimeoutLayer::with_status_code(
                status,
                Duration::from_secs(1),
            ))
            .service(service_fn(|_| {
                std::future::pending::<Result<TestResponse, BoxError>>()
            }));
        let answer = send(service, get("/")).await;
        let envelope = answer.envelope();
        assert_eq!((answer.status(), envelope.code()), (status, code));
        let wait = status.is_server_error().then_some(30);
        let told = answer
            .json()
            .pointer("/error/details/retryAfter")
            .and_then(|wait| wait.as_u64());
        assert_eq!(told, wait);
        assert_eq!(log.only().field("latency_ms"), Some("1000"));
    }
}

#[tokio::test]
async fn a_panic_somebody_else_caught_is_an_envelope_without_its_text() {
    let service = ServiceBuilder::new()
        .layer(ErrorLayer::new())
        .layer(CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| {
            let text = panic.downcast_ref::<&str>().copied().unwrap_or_default();
            let response = Response::builder()
                .status(500)
                .header("content-type", "text/plain");
            response.body(Full::<Bytes>::from(text)).unwrap()
        }))
        .service(service_fn(|_| async { panic_on_purpose() }));
    let answer = send(service, get("/")).await;
    assert_eq!(answer.envelope().code(), "INTERNAL_ERROR");
    assert!(!String::from_utf8_lossy(&answer.body).contains("on purpose"));
}

fn panic_on_purpose() -> Result<TestResponse, BoxError> {
    panic!("on purpose")
}

#[tokio::test]
async fn layers_that_ask_for_a_default_body_go_around() {
    let service = ErrorLayer::new().layer(service_fn(|_| async {
        Err::<TestResponse, BoxError>("lost".into())
    }));
    let timeout =
        TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(1));
    let answer = send(timeout.layer(service), get("/")).await;
    assert_eq!(answer.envelope().code(), "INTERNAL_ERROR");
}

#[tokio::test]
async fn a_boxed_stack_needs_nothing_special() {
    let service = service_fn(|_| async { Err::<TestResponse, BoxError>("lost".into()) });
    let service = BoxCloneSyncService::new(ErrorLayer::new().layer(service));
    assert_eq!(send(service, get("/")).await.status(), 500);
}
