//! Errors, limits and a cache around one axum application, the latter two on one Redis handle.
//!
//! `REDIS_URL` names the server; the default is `redis://127.0.0.1`. Without one the answers are the same, and nothing
//! is kept.
//!
//! ```sh
//! cargo run -p exodrive-example-server --example all_three
//! ```

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "an example stops where it fails and shows what it got"
)]

use std::env;
use std::error::Error;
use std::process;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use exodrive_cache::{Cache, CachePolicy, RedisStore};
use exodrive_errors::{ApiError, ErrorCode, ErrorLayer};
use exodrive_ratelimit::{
    Limit, MINUTE, Peer, RateLimitLayer, RateLimited, RateLimiter, RedisStore as Counters,
};
use exodrive_redis::RedisClient;
use http::Request;
use tower::ServiceExt;

async fn car(Path(id): Path<u64>) -> Result<String, ApiError> {
    match id {
        0 => Err(ApiError::new(ErrorCode::NOT_FOUND)),
        id => Ok(format!("car {id}")),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1".to_owned());
    let redis = RedisClient::builder(url).build()?;
    // A service would not wait; here it decides what there is to see.
    let connected = redis.require(Duration::from_millis(500)).await.is_ok();

    // A namespace of this run's own.
    let namespace = format!("example-{}", process::id());
    let cache = Cache::builder(RedisStore::new(redis.clone()).namespace(&namespace))
        .policy(
            "car",
            CachePolicy::ttl(Duration::from_secs(60)).route("/cars/{id}"),
        )
        .build()?;
    let limiter = RateLimiter::builder(Counters::new(redis).namespace(&namespace))
        .limit(Limit::sliding_window("public", 4, MINUTE).by_ip())
        .build()?;
    let errors = ErrorLayer::new()
        .support("support@example.com")
        .recognize(|_: &RateLimited| ApiError::new(ErrorCode::RATE_LIMITED));

    let app = Router::new()
        .route("/cars/{id}", get(car).layer(cache.layer("car")?))
        .layer(RateLimitLayer::new(limiter))
        .layer(errors);

    let ask = async |path: &str| -> Response {
        let peer = Peer(([192, 0, 2, 1], 4711).into());
        let request = Request::get(path).extension(peer).body(Body::empty());
        let answer = app.clone().oneshot(request.unwrap()).await.unwrap();
        println!("{path}: {} {:#?}", answer.status(), answer.headers());
        answer
    };

    assert_eq!(ask("/cars/7").await.headers()["x-cache"], "MISS");
    let again = ask("/cars/7").await;
    // The first answer may still be on its way to the store.
    assert!(connected || again.headers()["x-cache"] == "MISS");
    assert_eq!(again.headers()["x-ratelimit-remaining"], "2");

    let missing = ask("/cars/0").await;
    assert_eq!(missing.headers()["x-error-code"], "NOT_FOUND");
    let wrong = ask("/cars/seven").await;
    assert_eq!(wrong.status(), 400);

    let refused = ask("/cars/7").await;
    assert_eq!(refused.headers()["x-error-code"], "RATE_LIMITED");
    assert!(refused.headers().contains_key("retry-after"));
    Ok(())
}
