//! What a service does while its store fails, hangs or loses answers.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::testing::{
    Fault, Operation, Unreliable, assert_hit, assert_miss, fills_under_way, settled,
};
use exodrive_cache::{
    Cache, CachePolicy, CacheService, Invalidation, MemoryStore, ResponseBody, Tag, tag,
};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

type Inner = BoxCloneSyncService<Request<Empty<Bytes>>, Response<Full<Bytes>>, Infallible>;

/// A route whose handler answers with the number of its call, on a store that can be made to fail.
#[derive(Clone)]
struct Fixture {
    store: Unreliable<MemoryStore>,
    cache: Cache<Unreliable<MemoryStore>>,
    service: CacheService<Inner, Unreliable<MemoryStore>>,
}

impl Fixture {
    fn new() -> Self {
        let store = Unreliable::new(MemoryStore::default());
        let policy = CachePolicy::ttl(Duration::from_secs(60)).tag("fleet");
        let cache = Cache::builder(store.clone())
            .policy("fleet", policy)
            .build()
            .unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let handler = BoxCloneSyncService::new(service_fn(move |_| {
            let call = calls.fetch_add(1, Ordering::SeqCst) + 1;
            async move { Ok(Response::new(Full::from(call.to_string()))) }
        }));
        let service = cache.layer("fleet").unwrap().layer(handler);
        Self {
            store,
            cache,
            service,
        }
    }

    async fn send(&self) -> Response<ResponseBody<Full<Bytes>>> {
        let request = Request::get("/fleet").body(Empty::new()).unwrap();
        self.service.clone().oneshot(request).await.unwrap()
    }

    /// Returns the body of a miss, once it is stored.
    async fn miss(&self) -> Bytes {
        let answer = self.send().await;
        assert_miss(answer.headers());
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        settled(&self.cache).await;
        body
    }

    async fn hit(&self) -> Bytes {
        let answer = self.send().await;
        assert_hit(answer.headers());
        answer.into_body().collect().await.unwrap().to_bytes()
    }
}

fn fleet() -> [Tag; 1] {
    [tag!("fleet")]
}

#[tokio::test]
async fn a_store_that_fails_is_a_miss_and_never_an_error() {
    for operation in [Operation::Lookup, Operation::Open, Operation::Commit] {
        let fixture = Fixture::new();
        fixture.store.fault(operation, Fault::Fail);
        assert_eq!(fixture.miss().await, "1", "{operation:?}");
        assert_eq!(fixture.miss().await, "2", "{operation:?}");
        fixture.store.repair();
        fixture.send().await;
        settled(&fixture.cache).await;
        fixture.hit().await;
    }
}

#[tokio::test]
async fn a_commit_that_hangs_delays_no_answer() {
    let fixture = Fixture::new();
    fixture.store.fault(Operation::Commit, Fault::Hang);
    let answer = fixture.send().await;
    assert_miss(answer.headers());
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "1");
    fixture.store.held(Operation::Commit, 1).await;
    fixture.store.repair();
    settled(&fixture.cache).await;
    assert_eq!(fixture.hit().await, "1");
}

/// The write was sent before the invalidation and is executed after it.
#[tokio::test]
async fn a_commit_that_is_executed_late_is_not_served() {
    for how in [Invalidation::Hard, Invalidation::Soft] {
        let fixture = Fixture::new();
        fixture.store.fault(Operation::Commit, Fault::Hang);
        fixture.send().await;
        fixture.store.held(Operation::Commit, 1).await;
        fixture.cache.invalidate(&fleet(), how).await.unwrap();
        fixture.store.repair();
        settled(&fixture.cache).await;
        assert_eq!(fixture.miss().await, "2", "{how:?}");
        assert_eq!(fixture.hit().await, "2", "{how:?}");
    }
}

#[tokio::test]
async fn an_invalidation_whose_answer_is_lost_has_happened_and_is_an_error() {
    let fixture = Fixture::new();
    fixture.miss().await;
    fixture.store.fault(Operation::Invalidate, Fault::Lose);
    let error = fixture.cache.invalidate(&fleet(), Invalidation::Hard).await;
    assert!(error.is_err());
    assert_eq!(fixture.miss().await, "2");
}

#[tokio::test]
async fn an_invalidation_that_failed_has_not_happened() {
    let fixture = Fixture::new();
    fixture.miss().await;
    fixture.store.fault(Operation::Invalidate, Fault::Fail);
    let error = fixture.cache.invalidate(&fleet(), Invalidation::Hard).await;
    assert!(error.is_err());
    assert_eq!(fixture.hit().await, "1");
}

#[tokio::test]
async fn a_call_that_is_given_up_hangs_no_more() {
    let fixture = Fixture::new();
    fixture.store.fault(Operation::Lookup, Fault::Hang);
    let asking = tokio::spawn({
        let fixture = fixture.clone();
        async move { fixture.send().await.into_parts().0 }
    });
    fixture.store.held(Operation::Lookup, 1).await;
    assert_eq!(fills_under_way(&fixture.cache), 1);
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    settled(&fixture.cache).await;
    assert_eq!(fills_under_way(&fixture.cache), 0);
    fixture.store.repair();
    assert_eq!(fixture.miss().await, "1");
}
