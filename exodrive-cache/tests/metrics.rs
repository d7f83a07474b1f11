//! What a recorder of metrics is told.

#![cfg(feature = "metrics")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::testing::settled;
use exodrive_cache::{Cache, CachePolicy, Invalidation, MemoryStore, Mode, tag};
use http::{Method, Request, Response};
use http_body_util::Full;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tower::{Layer, ServiceExt, service_fn};

/// Runs something, and returns what the recorder was told meanwhile: names with their labels, and how much.
fn told<T>(what: impl Future<Output = T>) -> (T, BTreeMap<String, u64>) {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let result = metrics::with_local_recorder(&recorder, || runtime.block_on(what));

    let mut told = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let key = key.key();
        let labels: Vec<_> = key.labels().map(|label| label.value()).collect();
        let number = match value {
            DebugValue::Counter(count) => count,
            DebugValue::Histogram(values) => values.len() as u64,
            DebugValue::Gauge(_) => panic!("there is no gauge"),
        };
        if number > 0 {
            let name = key.name().trim_start_matches("exodrive_cache_");
            told.insert(format!("{name} {}", labels.join(" ")), number);
        }
    }
    (result, told)
}

#[test]
fn tells_how_requests_end_and_what_they_cost() {
    let ((), told) = told(requests());
    let expected = [
        ("compared_total car same", 1),
        ("fill_seconds car", 3),
        ("invalidations_total hard applied", 1),
        ("invalidations_total soft applied", 1),
        ("requests_total car bypass", 1),
        ("requests_total car hit", 1),
        ("requests_total car miss", 2),
        ("requests_total car off", 3),
        ("requests_total car stale", 1),
        ("stored_bytes_total car", 20),
    ];
    let expected = expected.map(|(name, number)| (name.to_owned(), number));
    assert_eq!(told, BTreeMap::from(expected));
}

/// One request of each kind.
async fn requests() {
    let policy =
        CachePolicy::ttl(Duration::from_secs(60)).stale_while_revalidate(Duration::from_secs(60));
    let cache = Cache::builder(MemoryStore::default())
        .policy("car", policy)
        .build()
        .unwrap();
    let handler = async |_| Ok::<_, Infallible>(Response::new(Full::from("a car")));
    let service = cache.layer("car").unwrap().layer(service_fn(handler));
    let send = async |method: Method| {
        let request = Request::builder().method(method).uri("/cars/1");
        let request = request.body(Full::<Bytes>::default()).unwrap();
        service.clone().oneshot(request).await.unwrap();
        settled(&cache).await;
        tokio::task::yield_now().await;
    };
    let tags = [tag!("car")];
    send(Method::GET).await;
    send(Method::GET).await;
    cache.invalidate(&tags, Invalidation::Soft).await.unwrap();
    send(Method::GET).await;
    cache.invalidate(&tags, Invalidation::Hard).await.unwrap();
    send(Method::GET).await;
    send(Method::POST).await;
    cache.set_mode("car", Mode::Shadow).unwrap();
    send(Method::GET).await;
    send(Method::GET).await;
    cache.set_mode("car", Mode::Off).unwrap();
    send(Method::GET).await;
}

#[test]
fn tells_how_many_keys_made_room() {
    let (evictions, told) = told(too_much());
    assert!(evictions > 0);
    assert_eq!(told["evictions_total "], evictions);
}

/// Asks for more than there is room for.
async fn too_much() -> u64 {
    let cache = Cache::builder(MemoryStore::with_capacity(1 << 20))
        .policy("car", CachePolicy::ttl(Duration::from_secs(60)))
        .build()
        .unwrap();
    let handler = async |_| Ok::<_, Infallible>(Response::new(Full::from("a car ".repeat(2_000))));
    let service = cache.layer("car").unwrap().layer(service_fn(handler));
    for number in 0..300 {
        let request = Request::builder().uri(format!("/cars/{number}"));
        let request = request.body(Full::<Bytes>::default()).unwrap();
        service.clone().oneshot(request).await.unwrap();
        settled(&cache).await;
    }
    cache.store().evictions()
}
