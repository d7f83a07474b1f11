//! What is stored for one request is purged by it.

use std::time::Duration;

use exodrive_cache::testing::{Fault, Operation, Unreliable};
use exodrive_cache::{
    Bypass, Cache, CachePolicy, Invalidated, Invalidation, MemoryStore, PurgeErrorKind,
};
use http::request::Parts;
use http::{Method, Request};

use super::support::{Fixture, Gate, get, numbered, policy, seen, settled};

const BOTH: [Invalidation; 2] = [Invalidation::Hard, Invalidation::Soft];

fn head(uri: &str) -> Parts {
    get(uri).into_parts().0
}

#[tokio::test]
async fn a_request_purges_its_own_answer_and_no_other() {
    for how in BOTH {
        let policy = policy()
            .purge_by_key()
            .stale_while_revalidate(Duration::from_secs(60));
        let fixture = Fixture::new(policy, async |_, call| numbered(call));
        for uri in ["/cars/1", "/cars/1?page=2", "/cars/2"] {
            fixture.ask_for(uri).await;
        }
        // What is not keyed does not matter.
        let request = head("/cars/1?page=2&utm=x");
        let purged = fixture.cache.purge("car", &request, how).await.unwrap();
        assert_eq!(purged, Invalidated::Applied);
        assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "1"));
        assert_eq!(fixture.ask_for("/cars/2").await, seen("HIT", "3"));
        let expected = match how {
            Invalidation::Hard => seen("MISS", "4"),
            Invalidation::Soft => seen("STALE", "2"),
        };
        assert_eq!(fixture.ask_for("/cars/1?page=2").await, expected);
        assert_eq!(fixture.ask_for("/cars/1?page=2").await, seen("HIT", "4"));
    }
}

#[tokio::test]
async fn a_purge_overtakes_the_fill_that_is_under_way() {
    for how in BOTH {
        let (fixture, gate): (_, Gate) = Fixture::gated(policy().purge_by_key(), 1..=1, numbered);
        let first = fixture.asking_for("/cars/1");
        gate.arrival().await;
        let purged = fixture.cache.purge("car", &head("/cars/1"), how).await;
        purged.unwrap();
        assert_eq!(
            fixture.ask_for("/cars/1").await,
            seen("MISS", "2"),
            "{how:?}"
        );
        gate.let_one_pass();
        assert_eq!(first.await.unwrap(), seen("MISS", "1"));
        settled().await;
        let (_, body) = fixture.ask_for("/cars/1").await;
        assert_ne!(body, "1", "{how:?}");
    }
}

#[tokio::test]
async fn every_variant_is_purged() {
    let fixture = Fixture::new(CachePolicy::rfc9111().purge_by_key(), async |_, call| {
        let mut response = numbered(call)?;
        let headers = response.headers_mut();
        headers.insert("cache-control", "max-age=60".parse().unwrap());
        headers.insert("vary", "accept-language".parse().unwrap());
        Ok(response)
    });
    let ask = async |language: &str| {
        let request = Request::get("/cars/1").header("accept-language", language);
        fixture.ask(request.body(Default::default()).unwrap()).await
    };
    ask("en").await;
    ask("de").await;
    let request = head("/cars/1");
    let purged = fixture.cache.purge("car", &request, Invalidation::Hard);
    purged.await.unwrap();
    assert_eq!(ask("en").await, seen("MISS", "3"));
    assert_eq!(ask("de").await, seen("MISS", "4"));
}

#[tokio::test]
async fn what_cannot_be_purged_is_an_error() {
    let store = Unreliable::new(MemoryStore::default());
    let cache = Cache::builder(store.clone())
        .policy("car", policy().purge_by_key())
        .policy("fleet", policy())
        .build()
        .unwrap();
    let purge = async |policy: &str, request: &Parts| {
        let purged = cache.purge(policy, request, Invalidation::Hard).await;
        purged.map_err(|error| error.kind())
    };
    let request = head("/cars/1");
    assert_eq!(purge("car", &request).await, Ok(Invalidated::Applied));
    assert_eq!(
        purge("fleet", &request).await,
        Err(PurgeErrorKind::NotByKey)
    );
    assert_eq!(
        purge("other", &request).await,
        Err(PurgeErrorKind::UnknownPolicy)
    );
    let elsewhere = purge("car", &head("/bikes/1")).await;
    assert_eq!(elsewhere, Err(PurgeErrorKind::Bypass(Bypass::Route)));
    let mut post = head("/cars/1");
    post.method = Method::POST;
    let post = purge("car", &post).await;
    assert_eq!(post, Err(PurgeErrorKind::Bypass(Bypass::Method)));
    store.fault(Operation::Invalidate, Fault::Fail);
    assert_eq!(purge("car", &request).await, Err(PurgeErrorKind::Store));
}
