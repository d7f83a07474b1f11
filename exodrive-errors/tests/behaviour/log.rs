//! One event for each failure: its level, its fields, and what is left out of a burst.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use exodrive_errors::ApiError;
use exodrive_errors::BoxError;
use exodrive_errors::ErrorCode;
use exodrive_errors::ErrorLayer;
use exodrive_errors::FailureEvent;
use exodrive_errors::FieldViolation;
use exodrive_errors::LogLevel;
use http::Extensions;
use http::HeaderMap;
use http::Request;
use http::Response;
use http_body_util::Full;
use tower::Layer;
use tower::Service;
use tower::ServiceBuilder;
use tower::service_fn;
use tower_http::trace::TraceLayer;
use tracing::Level;

use crate::support::Captured;
use crate::support::TestResponse;
use crate::support::always;
use crate::support::get;
use crate::support::send;
use crate::support::through;

#[derive(Debug, thiserror::Error)]
#[error("could not load the car")]
struct LoadFailed(#[source] std::io::Error);

fn failing_database() -> ApiError {
    let refused = std::io::Error::other("connection refused");
    ApiError::new(ErrorCode::DATABASE_ERROR)
        .source(LoadFailed(refused))
        .log_context("car", 7)
        .log_context("attempt", "2\nforged line")
}

#[tokio::test]
async fn a_failure_is_one_event_with_everything_an_operator_needs() {
    let log = Captured::start();
    let layer = ErrorLayer::new().matched_route(|_: &Extensions| Some("/cars/{id}".into()));
    let request = Request::post("/cars/7?token=s3cret")
        .body(Full::default())
        .unwrap();
    let answer = through(layer, request, |_| async { Ok(failing_database().into()) }).await;

    let event = log.only();
    assert_eq!(event.target, "exodrive_errors");
    assert_eq!(event.level, Level::ERROR);
    for (field, value) in [
        ("message", Some("request failed")),
        ("code", Some("DATABASE_ERROR")),
        ("method", Some("POST")),
        ("route", Some("/cars/{id}")),
        ("status", Some("500")),
        ("error", Some("could not load the car: connection refused")),
        ("context", Some("car=7, attempt=2\\nforged line")),
        ("trace_id", answer.header("x-trace-id")),
        ("suppressed", None),
        ("location", None),
    ] {
        assert_eq!(event.field(field), value, "{field}");
    }
    assert!(event.field("latency_ms").is_some());
}

#[tokio::test]
async fn a_panic_is_logged_with_its_place() {
    let log = Captured::start();
    let _ = through(ErrorLayer::new(), get("/"), |_| async { panic!("a\nb") }).await;
    let event = log.only();
    assert_eq!(event.level, Level::ERROR);
    assert_eq!(event.field("message"), Some("panicked"));
    assert_eq!(event.field("error"), Some("a\\nb"));
    assert!(event.field("location").unwrap().contains("log.rs:"));
}

#[tokio::test]
async fn a_panic_before_the_future_is_logged_too() {
    let log = Captured::start();
    let service =
        service_fn(|_| -> std::future::Ready<Result<TestResponse, BoxError>> { panic!("in call") });
    let answer = send(ErrorLayer::new().layer(service), get("/")).await;
    assert_eq!(answer.envelope().code(), "INTERNAL_ERROR");
    assert_eq!(log.only().field("error"), Some("in call"));
}

#[tokio::test]
async fn a_client_error_is_logged_at_the_level_that_was_chosen() {
    for (chosen, level) in [
        (LogLevel::Info, Level::INFO),
        (LogLevel::Warn, Level::WARN),
        (LogLevel::Error, Level::ERROR),
    ] {
        let log = Captured::start();
        let layer = ErrorLayer::new().client_error_level(chosen);
        let _ = through(layer, get("/"), |_| async {
            Ok(ApiError::new(ErrorCode::CONFLICT).into())
        })
        .await;
        let event = log.only();
        assert_eq!(event.level, level);
        assert_eq!(event.field("message"), Some("request refused"));
    }
    for chosen in [LogLevel::Debug, LogLevel::Trace] {
        let log = Captured::start();
        let layer = ErrorLayer::new().client_error_level(chosen);
        let _ = through(layer, get("/"), |_| async {
            Ok(ApiError::new(ErrorCode::CONFLICT).into())
        })
        .await;
        assert!(log.events().is_empty());
    }
}

#[tokio::test]
async fn foreign_failures_that_pass_are_logged_as_well() {
    let log = Captured::start();
    let _ = through(ErrorLayer::new(), get("/"), |_| async {
        let response = Response::builder()
            .status(503)
            .header("content-type", "application/json");
        Ok(response.body("{}".into()).unwrap())
    })
    .await;
    let event = log.only();
    assert_eq!(event.level, Level::ERROR);
    assert_eq!(event.field("code"), Some("SERVICE_UNAVAILABLE"));
}

#[tokio::test]
async fn the_text_of_a_foreign_5xx_is_its_cause() {
    let log = Captured::start();
    let _ = through(ErrorLayer::new(), get("/"), |_| async {
        let response = Response::builder()
            .status(500)
            .header("content-type", "text/plain");
        Ok(response
            .body("redis://:hunter2@cache is down".into())
            .unwrap())
    })
    .await;
    assert_eq!(log.only().field("error"), Some("redis://***@cache is down"));
}

#[tokio::test]
async fn successes_are_not_logged() {
    let log = Captured::start();
    for status in [200, 204, 301, 304] {
        let service = always(move || {
            Response::builder()
                .status(status)
                .body(Full::default())
                .unwrap()
        });
        let _ = send(ErrorLayer::new().layer(service), get("/")).await;
    }
    assert!(log.events().is_empty());
}

#[tokio::test]
async fn a_trace_layer_told_not_to_adds_no_second_event() {
    let log = Captured::start();
    let service = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http().on_failure(()))
        .layer(ErrorLayer::new())
        .service(service_fn(|_| async {
            Err::<TestResponse, BoxError>("lost".into())
        }));
    let answer = send(service, get("/")).await;
    assert_eq!(answer.status(), 500);
    assert_eq!(log.only().field("error"), Some("lost"));
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_refusals_is_sampled_and_counted() {
    let log = Captured::start();
    let hooked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&hooked);
    let layer = ErrorLayer::new().on_error(move |_: &FailureEvent<'_>| *count.lock().unwrap() += 1);
    let mut service = layer.layer(always(|| ApiError::new(ErrorCode::RATE_LIMITED).into()));

    for _ in 0..100 {
        let _ = service.call(get("/")).await;
    }
    assert_eq!(log.events().len(), 10);
    tokio::time::advance(Duration::from_secs(1)).await;
    let _ = service.call(get("/")).await;
    assert_eq!(log.events().len(), 11);
    assert_eq!(log.events()[10].field("suppressed"), Some("90"));
    assert_eq!(*hooked.lock().unwrap(), 101);
}

#[tokio::test(start_paused = true)]
async fn other_failures_are_never_sampled() {
    let log = Captured::start();
    let mut service =
        ErrorLayer::new().layer(always(|| ApiError::new(ErrorCode::DATABASE_ERROR).into()));
    for _ in 0..100 {
        let _ = service.call(get("/")).await;
    }
    assert_eq!(log.events().len(), 100);
}

#[tokio::test(start_paused = true)]
async fn the_hook_sees_what_the_log_sees() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let layer = ErrorLayer::new().on_error(move |failure: &FailureEvent<'_>| {
        let source = failure.source().map(ToString::to_string);
        let flags = (failure.is_panic(), failure.response_started());
        let latency = failure.latency();
        let line = format!(
            "{} {} {} {:?} {source:?} {flags:?} {latency:?}",
            failure.code(),
            failure.status(),
            failure.method(),
            failure.route(),
        );
        sink.lock().unwrap().push(line);
    });
    let _ = through(layer, get("/"), |_| async {
        tokio::time::advance(Duration::from_millis(250)).await;
        Ok(failing_database().into())
    })
    .await;
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "DATABASE_ERROR 500 Internal Server Error GET None Some(\"could not load the car\") (false, false) 250ms"
        ]
    );
}

#[tokio::test]
async fn the_application_may_redact_more() {
    let log = Captured::start();
    let layer = ErrorLayer::new().redact(|text: String| text.replace("4111111111111111", "<card>"));
    let _ = through(layer, get("/"), |_| async {
        Err("card 4111111111111111 refused".into())
    })
    .await;
    assert_eq!(log.only().field("error"), Some("card <card> refused"));
}

#[tokio::test]
async fn details_that_cannot_be_json_are_noted() {
    let log = Captured::start();
    let _ = through(ErrorLayer::new(), get("/"), |_| async {
        let map = std::collections::HashMap::from([(vec![1], 2)]);
        Ok(ApiError::new(ErrorCode::CONFLICT).details(map).into())
    })
    .await;
    assert_eq!(
        log.only().field("context"),
        Some("details_error=key must be a string")
    );
}

#[tokio::test]
async fn details_that_are_too_large_are_noted_once() {
    let log = Captured::start();
    let _ = through(ErrorLayer::new(), get("/"), |_| async {
        let violation = FieldViolation::body("/items", "INVALID", "x".repeat(3000));
        let violations = vec![violation; 10];
        Ok(ApiError::new(ErrorCode::VALIDATION_ERROR)
            .violations(violations)
            .into())
    })
    .await;
    assert_eq!(
        log.only().field("context"),
        Some("details_error=more than 8192 bytes, the rest is left out")
    );
}

#[tokio::test]
async fn code_of_the_application_that_panics_takes_no_response_with_it() {
    let log = Captured::start();
    let layer = ErrorLayer::new()
        .make_trace_id(|_: &HeaderMap, _: &Extensions| panic!("in the choice of an id"))
        .matched_route(|_: &Extensions| panic!("in the search for the route"))
        .on_error(|_: &FailureEvent<'_>| panic!("in the hook"))
        .redact(|_: String| panic!("in the redaction"));
    let request = Request::get("/").header("x-trace-id", "from-the-caller");
    let request = request.body(Full::default()).unwrap();
    let answer = through(layer, request, |_| async { Err("lost".into()) }).await;
    assert_eq!(answer.envelope().code(), "INTERNAL_ERROR");
    assert_eq!(answer.header("x-trace-id"), Some("from-the-caller"));
    let event = log.only();
    assert_eq!(event.field("error"), Some("(printing it panicked)"));
    assert_eq!(event.field("trace_id"), Some("from-the-caller"));

    let log = Captured::start();
    let layer = ErrorLayer::new()
        .map_service_error(|_: &LoadFailed| panic!("in a mapping"))
        .recognize(|_: &Vec<u8>| panic!("in a recognizer"));
    let answer = through(layer.clone(), get("/"), |_| async {
        Err(LoadFailed(std::io::Error::other("refused")).into())
    })
    .await;
    assert_eq!(answer.envelope().code(), "INTERNAL_ERROR");
    let answer = through(layer, get("/"), |_| async {
        let mut response: TestResponse = Response::builder()
            .status(404)
            .body(Full::default())
            .unwrap();
        response.extensions_mut().insert(vec![1_u8]);
        Ok(response)
    })
    .await;
    assert_eq!(answer.envelope().code(), "INTERNAL_ERROR");
    let texts: Vec<_> = log
        .events()
        .iter()
        .map(|event| event.fields["error"].clone())
        .collect();
    assert_eq!(texts, ["in a mapping", "in a recognizer"]);
}
