//! The way of a request through the layer.

use std::future::ready;
use std::time::Duration;

use exodrive_ratelimit::RateLimitLayer;
use http::{Request, Response, StatusCode};
use tokio::time::timeout;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_test::mock;

use crate::support::{Body, header, limiter, public, request, send, serve, status};

type Asked = Request<Body>;
type Answered = Response<Body>;

/// What reaches the inner service; time is paused, so that nothing that fails to come is waited for.
async fn next(handle: &mut mock::Handle<Asked, Answered>) -> (Asked, mock::SendResponse<Answered>) {
    let next = timeout(Duration::from_secs(1), handle.next_request());
    next.await.unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn calls_the_service_that_was_polled_ready() {
    // The mock panics if a clone that was not polled ready is called.
    let layer = RateLimitLayer::new(limiter([public(10)]));
    let (mut service, mut handle) = mock::spawn_layer::<Asked, Answered, _>(layer);
    for _ in 0..3 {
        assert!(service.poll_ready().is_ready());
        let response = tokio::spawn(service.call(request("/")));
        let (_, respond) = next(&mut handle).await;
        respond.send_response(Response::new("served"));
        assert_eq!(*response.await.unwrap().unwrap().body(), "served");
    }
}

#[tokio::test]
async fn is_ready_when_the_inner_service_is() {
    let layer = RateLimitLayer::new(limiter([public(10)]));
    let (mut service, mut handle) = mock::spawn_layer::<Asked, Answered, _>(layer);
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    handle.allow(1);
    assert!(service.poll_ready().is_ready());
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_inner_service() {
    let limiter = limiter([public(1)]);
    send(&limiter, request("/")).await;
    let layer = RateLimitLayer::new(limiter);
    let (mut service, mut handle) = mock::spawn_layer::<Asked, Answered, _>(layer);
    assert!(service.poll_ready().is_ready());
    let response = service.call(request("/")).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(handle.poll_request().is_pending());
}

#[tokio::test]
async fn an_error_of_the_inner_service_passes_and_keeps_the_charge() {
    let limiter = limiter([public(1).settle(|_| 0)]);
    let fail = |_: Request<Body>| ready(Err::<Response<Body>, _>("broken".to_owned()));
    let service = RateLimitLayer::new(limiter.clone()).layer(service_fn(fail));
    assert_eq!(service.oneshot(request("/")).await.unwrap_err(), "broken");
    assert_eq!(status(&limiter, request("/")).await, 429);
}

#[tokio::test]
async fn what_the_response_makes_of_the_cost_is_settled() {
    let limit = public(2).settle(|response| u32::from(response.status.is_success()));
    let limiter = limiter([limit]);
    let service = service_fn(|request: Request<Body>| {
        let found = request.uri() == "/found";
        let mut response = Response::new("");
        if !found {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        ready(Ok::<_, String>(response))
    });
    let service = RateLimitLayer::new(limiter).layer(service);
    let mut left = Vec::new();
    for path in [
        "/lost", "/lost", "/lost", "/found", "/lost", "/found", "/lost",
    ] {
        let response = service.clone().oneshot(request(path)).await.unwrap();
        let remaining = header(response.headers(), "x-ratelimit-remaining");
        left.push(format!("{} {remaining}", response.status().as_u16()));
    }
    assert_eq!(
        left,
        [
            "404 2", "404 2", "404 2", "200 1", "404 1", "200 0", "429 0"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_ends_without_a_response_keeps_its_charge() {
    let limiter = limiter([public(1).settle(|_| 0)]);
    let layer = RateLimitLayer::new(limiter.clone());
    let (mut service, mut handle) = mock::spawn_layer::<Asked, Answered, _>(layer);
    assert!(service.poll_ready().is_ready());
    let response = tokio::spawn(service.call(request("/")));
    let (_, _respond) = next(&mut handle).await;
    response.abort();
    assert!(response.await.unwrap_err().is_cancelled());
    assert_eq!(status(&limiter, request("/")).await, 429);
}

#[tokio::test(start_paused = true)]
async fn a_charge_is_made_before_the_request_is_served() {
    let limiter = limiter([public(1).settle(|_| 0)]);
    let layer = RateLimitLayer::new(limiter.clone());
    let (mut service, mut handle) = mock::spawn_layer::<Asked, Answered, _>(layer);
    assert!(service.poll_ready().is_ready());
    let response = tokio::spawn(service.call(request("/")));
    let (_, respond) = next(&mut handle).await;
    assert_eq!(
        status(&limiter, request("/")).await,
        429,
        "the only slot is taken"
    );
    respond.send_response(Response::new("served"));
    response.await.unwrap().unwrap();
    assert_eq!(status(&limiter, request("/")).await, 200);
}

#[test]
fn services_and_futures_are_send() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let layer = is_send(RateLimitLayer::new(limiter([public(1)])));
    let mut service = is_send(layer.layer(service_fn(serve)));
    drop(is_send(service.call(request("/"))));
}
