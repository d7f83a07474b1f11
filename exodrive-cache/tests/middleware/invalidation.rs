//! What an event does to entries, and to fills that are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use exodrive_cache::{Cache, CachePolicy, Event, Invalidation, MemoryStore, PublishErrorKind, tag};
use tokio::task::JoinSet;

use super::support::{CarUpdated, Fixture, get, numbered, ok, policy, seen, settled, text};

#[tokio::test]
async fn an_event_removes_what_it_made_outdated_and_nothing_else() {
    let fixture = Fixture::counting();
    fixture.ask_for("/cars/1").await;
    fixture.ask_for("/cars/1?page=2").await;
    fixture.ask_for("/cars/2").await;
    fixture.cache.publish(&CarUpdated(1)).await.unwrap();
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "4"));
    assert_eq!(fixture.ask_for("/cars/1?page=2").await, seen("MISS", "5"));
    assert_eq!(fixture.ask_for("/cars/2").await, seen("HIT", "3"));
}

#[tokio::test]
async fn the_name_of_a_policy_is_a_tag_of_all_its_answers() {
    let fixture = Fixture::counting();
    fixture.ask_for("/cars/1").await;
    fixture.ask_for("/cars/2").await;
    fixture
        .cache
        .invalidate(&[tag!("car")], Invalidation::Hard)
        .await
        .unwrap();
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "3"));
    assert_eq!(fixture.ask_for("/cars/2").await, seen("MISS", "4"));
}

#[tokio::test]
async fn an_event_without_a_rule_is_an_error() {
    struct CarPainted;
    impl Event for CarPainted {
        const NAME: &'static str = "car.painted";
    }
    let fixture = Fixture::counting();
    let error = fixture.cache.publish(&CarPainted).await.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Unregistered);
    assert!(error.to_string().contains("car.painted"), "{error}");
}

/// The answer is made before the event and stored after it.
#[tokio::test]
async fn a_fill_that_began_before_an_event_is_not_served_after_it() {
    let (fixture, gate) = Fixture::gated(policy(), ..=1, numbered);
    let first = fixture.asking_for("/cars/1");
    gate.arrival().await;
    fixture.cache.publish(&CarUpdated(1)).await.unwrap();

    // Comes after the event while the first fill still runs: it does not wait for it.
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
    gate.let_one_pass();
    assert_eq!(first.await.unwrap(), seen("MISS", "1"));
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "2"));
}

/// Which tags the answer carries is known only once the handler has answered.
#[tokio::test]
async fn a_follower_refuses_an_answer_whose_own_tags_were_invalidated_meanwhile() {
    let (fixture, gate) = Fixture::gated(policy(), ..=1, |call| {
        let mut response = ok(call.to_string());
        let tags = exodrive_cache::ResponseTags::new([tag!("car:9")]);
        response.extensions_mut().insert(tags);
        Ok(response)
    });
    let first = fixture.asking_for("/cars/1");
    gate.arrival().await;
    fixture.cache.publish(&CarUpdated(9)).await.unwrap();
    let second = fixture.asking_for("/cars/1");
    settled().await;
    gate.let_one_pass();
    assert_eq!(first.await.unwrap(), seen("MISS", "1"));
    assert_eq!(second.await.unwrap(), seen("MISS", "2"));
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "2"));
}

/// Writers raise a version and publish; readers must never see one that is older than a version
/// whose publication had ended before they asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_ever_sees_an_outdated_answer() {
    let version = Arc::new(AtomicUsize::new(0));
    let published = Arc::new(AtomicUsize::new(0));
    let source = version.clone();
    let fixture = Fixture::new(policy(), move |_, _| {
        let source = source.clone();
        async move {
            let read = source.load(Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(ok(read.to_string()))
        }
    });
    let writer = tokio::spawn({
        let (fixture, version, published) = (fixture.clone(), version.clone(), published.clone());
        async move {
            for next in 1..=2000 {
                version.store(next, Ordering::SeqCst);
                fixture.cache.publish(&CarUpdated(1)).await.unwrap();
                published.store(next, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        }
    });
    let mut readers = JoinSet::new();
    for _ in 0..8 {
        let (fixture, published) = (fixture.clone(), published.clone());
        readers.spawn(async move {
            let mut hits = 0;
            loop {
                let floor = published.load(Ordering::SeqCst);
                let response = fixture.send(get("/cars/1")).await;
                hits += usize::from(response.headers()["x-cache"] == "HIT");
                let read: usize = text(response).await.parse().unwrap();
                assert!(read >= floor, "read {read} after {floor} was published");
                if floor == 2000 && hits > 0 {
                    break;
                }
                // A hit does not wait for anything, and the writer needs the thread, too.
                tokio::task::yield_now().await;
            }
        });
    }
    writer.await.unwrap();
    readers.join_all().await;
}

#[test]
fn every_mistake_is_reported_at_once() {
    struct Again;
    impl Event for Again {
        const NAME: &'static str = "car.updated";
    }
    let ttl = std::time::Duration::from_secs(1);
    let error = Cache::builder(MemoryStore::default())
        .policy("a", CachePolicy::ttl(std::time::Duration::ZERO))
        .policy("b", CachePolicy::ttl(ttl).tag("car:{id}"))
        .policy("c", CachePolicy::ttl(ttl).headers(["not a header"]))
        .policy("c", CachePolicy::ttl(ttl))
        .on(|_: &CarUpdated| [])
        .on(|_: &Again| [])
        .build()
        .unwrap_err();
    let text = error.to_string();
    for part in [
        "\"a\"",
        "{id}",
        "not a header",
        "\"c\" is defined twice",
        "car.updated",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_layer_needs_a_policy() {
    let cache = Cache::builder(MemoryStore::default()).build().unwrap();
    let error = cache.layer("cars").unwrap_err();
    assert!(error.to_string().contains("\"cars\""), "{error}");
}
