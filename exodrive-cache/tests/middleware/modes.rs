//! Policies that are switched while requests come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use exodrive_cache::{CacheDecision, Mode, Percent};
use http::Request;
use http_body_util::Empty;

use super::support::{CarUpdated, Fixture, get, ok, policy, seen, settled, text};

/// Answers with what the handler sees of the request, and with a number that the test sets.
fn echo() -> (Fixture, Arc<AtomicUsize>) {
    let number = Arc::new(AtomicUsize::new(1));
    let source = number.clone();
    let fixture = Fixture::new(policy(), move |request: Request<Empty<Bytes>>, _| {
        let number = source.load(Ordering::SeqCst);
        async move {
            let unkeyed = request.headers().contains_key("x-unkeyed");
            Ok(ok(format!("{} {unkeyed} {number}", request.uri())))
        }
    });
    (fixture, number)
}

fn request() -> Request<Empty<Bytes>> {
    let mut request = get("/cars/1?page=1&utm=2");
    request
        .headers_mut()
        .insert("x-unkeyed", "1".parse().unwrap());
    request
}

/// Sends a request that goes past the cache, and returns what the handler saw.
async fn past(fixture: &Fixture, request: Request<Empty<Bytes>>) -> String {
    let response = fixture.send(request).await;
    assert!(!response.headers().contains_key("x-cache"));
    assert!(!response.headers().contains_key("cache-status"));
    assert!(response.extensions().get::<CacheDecision>().is_none());
    let body = text(response).await;
    settled().await;
    body
}

#[tokio::test]
async fn off_is_as_if_the_layer_were_not_there() {
    let (fixture, _) = echo();
    fixture.ask(request()).await;
    fixture.cache.set_mode("car", Mode::Off).unwrap();
    assert_eq!(fixture.cache.mode("car").unwrap(), Mode::Off);
    let whole = "/cars/1?page=1&utm=2 true 1";
    assert_eq!(past(&fixture, request()).await, whole);

    fixture.cache.set_mode("car", Mode::On).unwrap();
    let hit = fixture.ask(request()).await;
    assert_eq!(hit, seen("HIT", "/cars/1?page=1 false 1"));
}

#[tokio::test]
async fn what_was_invalidated_meanwhile_does_not_come_back() {
    let (fixture, number) = echo();
    fixture.ask(request()).await;
    fixture.cache.set_mode("car", Mode::Off).unwrap();
    number.store(2, Ordering::SeqCst);
    fixture.cache.publish(&CarUpdated(1)).await.unwrap();
    fixture.cache.set_mode("car", Mode::On).unwrap();
    let miss = fixture.ask(request()).await;
    assert_eq!(miss, seen("MISS", "/cars/1?page=1 false 2"));
}

#[tokio::test]
async fn a_share_of_the_keys_is_always_the_same_share() {
    let (fixture, _) = echo();
    let half = Mode::Percentage(Percent::new(50));
    fixture.cache.set_mode("car", half).unwrap();
    let mut cached = 0;
    for page in 0..100 {
        let uri = format!("/cars/1?page={page}");
        let ask = async || {
            let response = fixture.send(get(&uri)).await;
            let state = response.headers().get("x-cache").cloned();
            text(response).await;
            settled().await;
            state
        };
        match (ask().await, ask().await) {
            (None, None) => {}
            (Some(first), Some(second)) => {
                assert_eq!(
                    (first, second),
                    ("MISS".parse().unwrap(), "HIT".parse().unwrap())
                );
                cached += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    // Of a hundred keys, as good as random.
    assert!((25..75).contains(&cached), "{cached}");
}

#[tokio::test]
async fn shadow_answers_by_the_handler_and_compares() {
    let (fixture, number) = echo();
    let accuracy = || fixture.cache.accuracy("car").unwrap();
    fixture.cache.set_mode("car", Mode::Shadow).unwrap();
    for _ in 0..3 {
        assert_eq!(
            past(&fixture, request()).await,
            "/cars/1?page=1&utm=2 true 1"
        );
    }
    assert_eq!((accuracy().same, accuracy().different), (2, 0));

    // A change without an event is what the figure is for.
    number.store(2, Ordering::SeqCst);
    assert_eq!(
        past(&fixture, request()).await,
        "/cars/1?page=1&utm=2 true 2"
    );
    assert_eq!((accuracy().same, accuracy().different), (2, 1));
    // So is an input that is not keyed.
    past(&fixture, get("/cars/2")).await;
    past(&fixture, {
        let mut request = get("/cars/2");
        request
            .headers_mut()
            .insert("x-unkeyed", "1".parse().unwrap());
        request
    })
    .await;
    assert_eq!((accuracy().same, accuracy().different), (2, 2));
    assert_eq!(accuracy().ratio(), Some(0.5));

    // After an event there is nothing to compare with.
    fixture.cache.publish(&CarUpdated(1)).await.unwrap();
    past(&fixture, request()).await;
    assert_eq!(accuracy().different, 2);
}

#[tokio::test]
async fn what_was_made_in_shadow_is_never_served() {
    let (fixture, _) = echo();
    fixture.cache.set_mode("car", Mode::Shadow).unwrap();
    past(&fixture, request()).await;
    fixture.cache.set_mode("car", Mode::On).unwrap();
    let miss = fixture.ask(request()).await;
    assert_eq!(miss, seen("MISS", "/cars/1?page=1 false 1"));
}

#[tokio::test]
async fn requests_that_ask_for_a_part_are_not_compared() {
    let (fixture, _) = echo();
    fixture.cache.set_mode("car", Mode::Shadow).unwrap();
    past(&fixture, get("/cars/1")).await;
    let mut part = get("/cars/1");
    part.headers_mut()
        .insert("range", "bytes=0-1".parse().unwrap());
    past(&fixture, part).await;
    let mut head = get("/cars/1");
    *head.method_mut() = http::Method::HEAD;
    past(&fixture, head).await;
    assert_eq!(fixture.cache.accuracy("car").unwrap().ratio(), None);
}

#[test]
fn a_mode_needs_a_policy() {
    let (fixture, _) = echo();
    assert!(fixture.cache.set_mode("cars", Mode::Off).is_err());
    assert!(fixture.cache.mode("cars").is_err());
    assert!(fixture.cache.accuracy("cars").is_err());
    assert_eq!(fixture.cache.policies(), ["car"]);
}
