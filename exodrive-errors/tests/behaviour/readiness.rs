//! `poll_ready`: failures become answers, and back-pressure stays.

use std::future::Ready;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;

use exodrive_errors::ApiError;
use exodrive_errors::BoxError;
use exodrive_errors::ErrorCode;
use exodrive_errors::ErrorLayer;
use http::Response;
use http_body_util::Full;
use tower::Layer;
use tower::Service;
use tower::ServiceExt;

use crate::support::Captured;
use crate::support::TestRequest;
use crate::support::TestResponse;
use crate::support::get;
use crate::support::send;

/// Not `Clone`, and never ready.
struct NeverReady(fn() -> BoxError);

#[derive(Debug, thiserror::Error)]
#[error("overloaded")]
struct Overloaded;

impl Service<TestRequest> for NeverReady {
    type Response = TestResponse;
    type Error = BoxError;
    type Future = Ready<Result<TestResponse, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Err(self.0()))
    }

    fn call(&mut self, _: TestRequest) -> Self::Future {
        panic!("called without being ready");
    }
}

#[tokio::test]
async fn a_failure_to_become_ready_is_answered_by_the_next_call() {
    let layer = ErrorLayer::new()
        .map_service_error(|_: &Overloaded| ApiError::new(ErrorCode::SERVICE_UNAVAILABLE));
    let log = Captured::start();
    let answer = send(layer.layer(NeverReady(|| Overloaded.into())), get("/")).await;
    assert_eq!(answer.envelope().code(), "SERVICE_UNAVAILABLE");
    assert_eq!(log.only().field("error"), Some("overloaded"));
}

#[tokio::test]
async fn every_call_that_follows_is_answered_too() {
    let mut service = ErrorLayer::new().layer(NeverReady(|| "worker gone".into()));
    for _ in 0..3 {
        let response = service.ready().await.unwrap().call(get("/")).await.unwrap();
        assert_eq!(response.status(), 500);
    }
}

#[tokio::test]
async fn a_service_that_failed_is_not_asked_again_before_the_call() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let mut service = ErrorLayer::new().layer(NeverReady(|| {
        ASKED.fetch_add(1, Ordering::Relaxed);
        "worker gone".into()
    }));
    for _ in 0..3 {
        service.ready().await.unwrap();
    }
    assert_eq!(ASKED.load(Ordering::Relaxed), 1);
    assert_eq!(service.call(get("/")).await.unwrap().status(), 500);
}

#[tokio::test]
async fn a_panic_while_becoming_ready_is_answered_by_the_next_call() {
    let log = Captured::start();
    let answer = send(
        ErrorLayer::new().layer(NeverReady(|| panic!("no worker"))),
        get("/"),
    )
    .await;
    assert_eq!(answer.envelope().code(), "INTERNAL_ERROR");
    assert_eq!(log.only().field("error"), Some("no worker"));
}

#[tokio::test]
async fn waits_for_the_service_inside() {
    let (inner, mut handle) = tower_test::mock::pair::<TestRequest, TestResponse>();
    let mut service = ErrorLayer::new().layer(inner);
    handle.allow(0);
    let pending = std::future::poll_fn(|cx| {
        Poll::Ready(Service::<TestRequest>::poll_ready(&mut service, cx).is_pending())
    });
    assert!(pending.await);

    handle.allow(1);
    let call = service.ready().await.unwrap().call(get("/"));
    let answer = async {
        let (_, respond) = handle.next_request().await.unwrap();
        respond.send_response(Response::new(Full::default()));
    };
    let (response, ()) = tokio::join!(call, answer);
    assert_eq!(response.unwrap().status(), 200);
}
