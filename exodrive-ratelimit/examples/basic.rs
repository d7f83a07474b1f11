//! Three limits on one service, from the first request to a refusal.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;

use exodrive_ratelimit::{
    HOUR, Limit, MINUTE, MemoryStore, Peer, RateLimitLayer, RateLimited, RateLimiter, Subject,
};
use http::{Method, Request, Response, StatusCode, request};
use tower::{Layer, ServiceExt, service_fn};

/// Who is signed in, as the authentication leaves it in the request.
#[derive(Clone)]
struct User(&'static str);

fn is_booking(request: &request::Parts) -> bool {
    request.method == Method::POST && request.uri.path() == "/bookings"
}

/// Books cars, except on the moon.
async fn serve(request: Request<&'static str>) -> Result<Response<String>, Infallible> {
    let mut response = Response::new("served".to_owned());
    if *request.body() == "moon" {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

fn booking(user: &'static str, place: &'static str) -> http::Result<Request<&'static str>> {
    let peer: SocketAddr = ([192, 0, 2, 1], 4711).into();
    Request::post("/bookings")
        .extension(Peer(peer))
        .extension(User(user))
        .body(place)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let limiter = RateLimiter::builder(MemoryStore::default())
        .identify(|request| {
            let User(id) = request.extensions.get()?;
            Some(Subject::user(id))
        })
        .limit(
            Limit::sliding_window("public", 60, MINUTE)
                .by_ip()
                .unless_authenticated(),
        )
        .limit(Limit::sliding_window("authenticated", 120, MINUTE).by_user())
        .limit(
            Limit::sliding_window("booking", 2, HOUR)
                .by_user_or_ip()
                .on(is_booking)
                .settle(|response| u32::from(response.status.is_success())),
        )
        .build()?;
    let layer = RateLimitLayer::new(limiter)
        .with_refusal(|refusal: &RateLimited| Response::new(refusal.to_string()));
    let service = layer.layer(service_fn(serve));

    // A booking that fails does not count.
    for (place, status) in [("moon", 422), ("paris", 200), ("rome", 200), ("oslo", 429)] {
        let response = service.clone().oneshot(booking("ada", place)?).await?;
        assert_eq!(response.status(), status, "{place}");
        if status == 429 {
            assert!(
                response
                    .body()
                    .starts_with("the rate limit `booking` is exhausted")
            );
            assert_eq!(response.headers()["x-ratelimit-limit"], "2");
            assert!(response.headers().contains_key("retry-after"));
        }
    }
    // Other users are not concerned.
    let response = service.oneshot(booking("bob", "oslo")?).await?;
    assert_eq!(response.status(), StatusCode::OK);
    Ok(())
}
