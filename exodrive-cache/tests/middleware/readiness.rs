//! Back-pressure: only the service that was polled ready is called.

use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::{Cache, CachePolicy, MemoryStore};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use tower::{Layer, Service, ServiceExt};
use tower_test::mock;

type Inner = mock::Mock<Request<Empty<Bytes>>, Response<Full<Bytes>>>;

#[tokio::test]
async fn the_service_that_was_ready_is_the_one_that_is_called() {
    let cache = Cache::builder(MemoryStore::default())
        .policy("all", CachePolicy::ttl(Duration::from_secs(60)))
        .build()
        .unwrap();
    let (inner, mut handle): (Inner, _) = mock::pair();
    let mut service = cache.layer("all").unwrap().layer(inner);
    let request = |method: &str| {
        Request::builder()
            .method(method)
            .uri("/")
            .body(Empty::new())
            .unwrap()
    };
    // The mock panics when a clone that was not polled ready is called.
    for method in ["GET", "HEAD", "POST"] {
        handle.allow(1);
        let future = service.ready().await.unwrap().call(request(method));
        let answer = tokio::spawn(future);
        if method == "HEAD" {
            // Answered from the entry; the permit goes back.
            assert!(answer.await.unwrap().is_ok());
            continue;
        }
        let (seen, reply) = handle.next_request().await.unwrap();
        assert_eq!(seen.method(), method);
        reply.send_response(Response::new(Full::from("x")));
        let body = answer.await.unwrap().unwrap().into_body();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "x");
        tokio::task::yield_now().await;
    }
}
