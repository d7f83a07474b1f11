//! What events make outdated, and what is found out about them beforehand.

use std::time::Duration;

use exodrive_cache::testing::{Fault, Operation, Unreliable};
use exodrive_cache::{
    Cache, CachePolicy, Event, Lint, MemoryStore, PublishErrorKind, Published, Tag, tag,
};

use super::support::{Fixture, ok, policy, seen, settled};

struct PriceChanged(u32);

impl Event for PriceChanged {
    const NAME: &'static str = "price.changed";
    const TAGS: &'static [&'static str] = &["car:{id}", "prices"];
}

struct Unstated;

impl Event for Unstated {
    const NAME: &'static str = "unstated";
}

fn fleet() -> CachePolicy {
    CachePolicy::ttl(Duration::from_secs(60))
}

#[tokio::test]
async fn a_soft_rule_leaves_an_answer_to_be_served_stale() {
    let cache = Cache::builder(MemoryStore::default())
        .on_soft(|event: &PriceChanged| [tag!("car:{}", event.0)]);
    let policy = policy().stale_while_revalidate(Duration::from_secs(60));
    let fixture = Fixture::on(cache, policy, async |_, call| Ok(ok(call.to_string())));
    fixture.ask_for("/cars/1").await;
    let published = fixture.cache.publish(&PriceChanged(1)).await.unwrap();
    assert_eq!((published.tags(), published.deferred()), (1, &[][..]));
    assert_eq!(fixture.ask_for("/cars/1").await, seen("STALE", "1"));
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "2"));
}

#[tokio::test]
async fn an_event_without_tags_is_no_error() {
    let cache = Cache::builder(MemoryStore::default()).on(|_: &Unstated| None::<Tag>);
    let published = cache.build().unwrap().publish(&Unstated).await.unwrap();
    assert_eq!(published, Published::default());
}

/// A cache with `car:1` under one rule and `prices` under a soft one, and whether a request for car 1 hits.
fn priced() -> Fixture<Unreliable<MemoryStore>> {
    let cache = Cache::builder(Unreliable::new(MemoryStore::default()))
        .on(|event: &PriceChanged| [tag!("car:{}", event.0)])
        .on_soft(|_: &Unstated| [tag!("prices"), tag!("prices")]);
    Fixture::on(cache, policy(), async |_, call| Ok(ok(call.to_string())))
}

#[tokio::test]
async fn events_of_a_transaction_are_published_after_it_or_not_at_all() {
    let fixture = priced();
    fixture.ask_for("/cars/1").await;
    let begin = || {
        let mut events = fixture.cache.events();
        events.add(&PriceChanged(1)).unwrap();
        events.add(&PriceChanged(1)).unwrap();
        events.add(&Unstated).unwrap();
        events
    };
    drop(begin());
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "1"));
    let events = begin();
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "1"));
    // Named twice, it is one.
    assert_eq!(events.publish().await.unwrap().tags(), 2);
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
}

#[tokio::test]
async fn a_caller_that_leaves_leaves_nothing_unpublished() {
    let fixture = priced();
    fixture.ask_for("/cars/1").await;
    let store = fixture.cache.store();
    store.fault(Operation::Invalidate, Fault::Hang);
    let publishing = tokio::spawn({
        let cache = fixture.cache.clone();
        async move { cache.publish(&PriceChanged(1)).await }
    });
    store.held(Operation::Invalidate, 1).await;
    publishing.abort();
    assert!(publishing.await.unwrap_err().is_cancelled());
    store.repair();
    settled().await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
}

#[tokio::test]
async fn an_event_that_does_not_reach_the_store_is_an_error() {
    let fixture = priced();
    let mut events = fixture.cache.events();
    events.add(&PriceChanged(1)).unwrap();
    events.add(&Unstated).unwrap();
    fixture
        .cache
        .store()
        .fault(Operation::Invalidate, Fault::Fail);
    let error = events.publish().await.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Store);
    assert!(
        error.to_string().contains("price.changed, unstated"),
        "{error}"
    );
}

#[test]
fn draws_the_way_from_events_to_policies() {
    let cache = Cache::builder(MemoryStore::default())
        .policy("car", policy())
        .policy("fleet", fleet().handler_tags(["prices"]))
        .on(|event: &PriceChanged| [tag!("car:{}", event.0), tag!("prices")])
        .build()
        .unwrap();
    let graph = cache.graph();
    let expected = "\
flowchart LR
    p0[[\"car\"]]
    p1[[\"fleet\"]]
    e0([\"price.changed\"])
    e0 --> e0t0[\"car:{id}\"]
    e0t0 --> p0
    e0 --> e0t1[\"prices\"]
    e0t1 --> p1
";
    assert_eq!(graph.to_string(), expected);
    assert_eq!(graph.lints(), []);
}

#[test]
fn finds_what_was_forgotten() {
    let builder = || {
        Cache::builder(MemoryStore::default())
            .policy("car", policy())
            .policy("fleet", fleet())
            .on(|event: &PriceChanged| [tag!("car:{}", event.0)])
    };
    let (event, tag) = ("price.changed".to_owned(), "prices".to_owned());
    let idle = Lint::TagOfNoPolicy { event, tag };
    let policy = "fleet".to_owned();
    let never = Lint::NeverInvalidated { policy };
    let lints = builder().build().unwrap().graph().lints();
    assert_eq!(lints, [idle.clone(), never]);

    // An event whose tags nobody knows may be the one for the fleet.
    let builder = builder().on(|_: &Unstated| [tag!("fleet")]);
    assert_eq!(builder.build().unwrap().graph().lints(), [idle]);
}

#[cfg(feature = "json")]
mod data {
    use serde_json::json;

    use super::*;

    fn fixture() -> Fixture {
        let cache = Cache::builder(MemoryStore::default()).on_json("sold", ["car:{car.id}", "x"]);
        Fixture::on(cache, policy(), async |_, call| Ok(ok(call.to_string())))
    }

    #[tokio::test]
    async fn an_event_that_comes_as_data_invalidates_by_its_fields() {
        let fixture = fixture();
        fixture.ask_for("/cars/1").await;
        fixture.ask_for("/cars/2").await;
        let event = json!({"car": {"id": 1}, "by": "alice"});
        let published = fixture.cache.publish_json("sold", &event).await;
        assert_eq!(published.unwrap().tags(), 2);
        assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "3"));
        assert_eq!(fixture.ask_for("/cars/2").await, seen("HIT", "2"));
    }

    #[tokio::test]
    async fn an_event_that_lacks_a_field_is_an_error() {
        let cache = fixture().cache;
        let error = cache.publish_json("sold", &json!({"car": 1})).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), PublishErrorKind::Field);
        assert!(error.to_string().contains("\"car.id\""), "{error}");
        let error = cache.publish_json("bought", &json!({})).await.unwrap_err();
        assert_eq!(error.kind(), PublishErrorKind::Unregistered);
    }

    #[test]
    fn a_name_belongs_to_one_event() {
        let error = Cache::builder(MemoryStore::default())
            .on(|_: &Unstated| [tag!("x")])
            .on_json("unstated", ["x"])
            .build()
            .unwrap_err();
        assert!(error.to_string().contains("\"unstated\""), "{error}");
    }
}
