//! Two layers around one service behave like one.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use exodrive_errors::ApiError;
use exodrive_errors::BoxError;
use exodrive_errors::ErrorCode;
use exodrive_errors::ErrorLayer;
use exodrive_errors::FailureEvent;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Full;
use tower::Layer;
use tower::ServiceExt;
use tower::service_fn;

use crate::support::Captured;
use crate::support::Script;
use crate::support::Step;
use crate::support::TestResponse;
use crate::support::get;
use crate::support::send;

/// A layer that counts what its hook is told.
fn counting(count: &Arc<AtomicUsize>) -> ErrorLayer {
    let count = Arc::clone(count);
    ErrorLayer::new().on_error(move |_: &FailureEvent<'_>| {
        count.fetch_add(1, Ordering::Relaxed);
    })
}

#[tokio::test]
async fn a_failure_is_rendered_and_reported_by_the_inner_layer_alone() {
    let make: [fn() -> Result<TestResponse, BoxError>; 5] = [
        || Ok(ApiError::new(ErrorCode::CONFLICT).into()),
        || {
            Ok(Response::builder()
                .status(404)
                .body(Full::default())
                .unwrap())
        },
        || {
            Ok(Response::builder()
                .status(404)
                .header("content-type", "application/json")
                .body("{}".into())
                .unwrap())
        },
        || Err("lost".into()),
        || panic!("a panic on purpose"),
    ];
    for respond in make {
        let (inner, outer) = (Arc::default(), Arc::default());
        let log = Captured::start();
        let service = counting(&inner).layer(service_fn(move |_| async move { respond() }));
        let service = counting(&outer)
            .docs_url("https://outer.example/")
            .layer(service);
        let answer = send(service, get("/")).await;

        assert_eq!(inner.load(Ordering::Relaxed), 1);
        assert_eq!(outer.load(Ordering::Relaxed), 0);
        let event = log.only();
        assert_eq!(event.field("trace_id"), answer.header("x-trace-id"));
        assert!(!String::from_utf8_lossy(&answer.body).contains("outer.example"));
        assert_eq!(answer.parts.headers.get_all("x-trace-id").iter().count(), 1);
    }
}

#[tokio::test]
async fn a_failure_between_the_layers_is_the_outer_ones() {
    let (inner, outer) = (Arc::default(), Arc::default());
    let service = counting(&inner).layer(crate::support::always(|| Response::new(Full::default())));
    let service = tower::util::MapResponse::new(service, |mut response: Response<_>| {
        *response.status_mut() = http::StatusCode::GONE;
        response
    });
    let answer = send(counting(&outer).layer(service), get("/")).await;
    assert_eq!(answer.envelope().code(), "GONE");
    assert_eq!(
        (inner.load(Ordering::Relaxed), outer.load(Ordering::Relaxed)),
        (0, 1)
    );
}

#[tokio::test]
async fn a_body_that_fails_is_reported_once() {
    let (inner, outer) = (Arc::default(), Arc::default());
    let log = Captured::start();
    let service = service_fn(|_| async {
        let body = Script::new([Step::Error("the disk is gone")]);
        Ok::<_, BoxError>(Response::new(body))
    });
    let service = counting(&outer).layer(counting(&inner).layer(service));
    let response = service.oneshot(get("/")).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(
        (inner.load(Ordering::Relaxed), outer.load(Ordering::Relaxed)),
        (1, 0)
    );
    assert_eq!(log.only().field("message"), Some("response body failed"));
}
