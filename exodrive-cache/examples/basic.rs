//! A route whose answers are kept until an event says that they are outdated, without a framework.
//!
//! ```sh
//! cargo run -p exodrive-cache --example basic --features testing
//! ```

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::testing::{assert_hit, assert_miss, settled};
use exodrive_cache::{Cache, CachePolicy, Event, MemoryStore, tag};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

/// The price of a car has changed.
struct Repriced {
    car: u64,
}

impl Event for Repriced {
    const NAME: &'static str = "car.repriced";
    const TAGS: &'static [&'static str] = &["car:{car}"];
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let cache = Cache::builder(MemoryStore::default())
        .policy(
            "car",
            CachePolicy::ttl(Duration::from_secs(1800))
                .route("/cars/{id}")
                .query(["currency"])
                .tag("car:{id}"),
        )
        .on(|event: &Repriced| [tag!("car:{}", event.car)])
        .build()?;
    assert!(cache.graph().lints().is_empty());

    let price = Arc::new(AtomicU64::new(40));
    let database = Arc::clone(&price);
    let service = cache
        .layer("car")?
        .layer(service_fn(move |_: Request<Full<Bytes>>| {
            let price = database.load(Ordering::Relaxed).to_string();
            async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(price)))) }
        }));
    let ask = async |target: &str| -> (HeaderMap, Bytes) {
        let request = Request::get(target).body(Full::default());
        let Ok(answer) = service.clone().oneshot(request.unwrap_or_default()).await;
        let (parts, body) = answer.into_parts();
        let body = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes);
        settled(&cache).await;
        (parts.headers, body.unwrap_or_default())
    };

    assert_miss(&ask("/cars/7?currency=EUR").await.0);
    // What the policy does not name tells no answers apart, and the handler does not see it.
    let (headers, body) = ask("/cars/7?utm_source=mail&currency=EUR").await;
    assert_hit(&headers);
    assert_eq!(body, "40");
    assert_miss(&ask("/cars/7?currency=NOK").await.0);
    assert_miss(&ask("/cars/8?currency=EUR").await.0);

    // Committed, then published: nobody is told the old price from here on.
    price.store(45, Ordering::Relaxed);
    cache.publish(&Repriced { car: 7 }).await?;
    let (headers, body) = ask("/cars/7?currency=EUR").await;
    assert_miss(&headers);
    assert_eq!(body, "45");
    assert_hit(&ask("/cars/8?currency=EUR").await.0);
    Ok(())
}
