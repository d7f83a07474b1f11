//! One object at a time.

use std::sync::Arc;
use std::time::Duration;

use exodrive_cache::{Cache, Commit, Invalidation, MemoryStore, ObjectPolicy, UnknownObjects, tag};
use futures_util::future::join_all;

use super::support::{Car, CarUpdated, Failure, Fixture, Gate, policy, turns};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_hit_is_the_same_object() {
    let fixture = Fixture::new(policy());
    assert_eq!(fixture.cars.get(&7).await, None);
    fixture.price(7).await.unwrap();
    let [one, two] = [fixture.cars.get(&7).await, fixture.cars.get("7").await];
    assert!(Arc::ptr_eq(&one.unwrap(), &two.unwrap()));
    assert_eq!(fixture.table.reads(), 1);
    assert_eq!(fixture.cars.get(&8).await, None);
}

#[tokio::test]
async fn many_at_once_read_once() {
    let fixture = Fixture::new(policy());
    let gate = Gate::closed();
    let asked: Vec<_> = (0..100).map(|_| fixture.pricing(7, &gate)).collect();
    gate.arrival().await;
    turns().await;
    gate.let_one_pass();
    for price in join_all(asked).await {
        assert_eq!(price.unwrap().unwrap(), 0);
    }
    assert_eq!(fixture.table.reads(), 1);
}

#[tokio::test]
async fn a_caller_that_leaves_takes_nothing_with_it() {
    let fixture = Fixture::new(policy());
    let gate = Gate::closed();
    let first = fixture.pricing(7, &gate);
    gate.arrival().await;
    let second = fixture.pricing(7, &gate);
    turns().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    gate.let_one_pass();
    assert_eq!(second.await.unwrap().unwrap(), 0);
    fixture.settled().await;
    assert!(fixture.cars.get(&7).await.is_some());
    assert_eq!(fixture.table.reads(), 1);
}

#[tokio::test]
async fn is_loaded_anew_when_its_time_is_over() {
    let fixture = Fixture::new(policy());
    fixture.price(7).await.unwrap();
    fixture.table.set_price(1);
    fixture.clock.advance(59 * SECOND);
    assert_eq!(fixture.price(7).await.unwrap(), 0);
    fixture.clock.advance(SECOND);
    assert_eq!(fixture.cars.get(&7).await, None);
    assert_eq!(fixture.price(7).await.unwrap(), 1);
}

#[tokio::test]
async fn is_served_while_it_is_loaded_anew() {
    let fixture = Fixture::new(policy().stale_while_revalidate(10 * SECOND));
    fixture.price(7).await.unwrap();
    fixture.table.set_price(1);
    fixture.clock.advance(65 * SECOND);
    assert_eq!(fixture.price(7).await.unwrap(), 0);
    fixture.settled().await;
    assert_eq!(fixture.price(7).await.unwrap(), 1);
    assert_eq!(fixture.table.reads(), 2);
}

#[tokio::test]
async fn every_tag_of_it_invalidates_it_hard_or_soft() {
    for how in [Invalidation::Hard, Invalidation::Soft] {
        for tag in [tag!("car"), tag!("car:7"), tag!("fleet"), tag!("shop:3")] {
            let fixture = Fixture::new(policy());
            fixture.price(7).await.unwrap();
            fixture.settled().await;
            fixture.table.set_price(1);
            let tags = [tag];
            fixture.cars.invalidate_tags(&tags, how).await.unwrap();
            assert_eq!(fixture.price(7).await.unwrap(), 1, "{how:?} {tags:?}");
        }
    }
}

#[tokio::test]
async fn an_invalidation_concerns_one_object_an_event_and_everything() {
    let fixture = Fixture::new(policy());
    let both = async || {
        (
            fixture.price(7).await.unwrap(),
            fixture.price(8).await.unwrap(),
        )
    };
    both().await;
    fixture.settled().await;
    fixture.table.set_price(1);
    fixture
        .cars
        .invalidate(&7, Invalidation::Hard)
        .await
        .unwrap();
    assert_eq!(both().await, (1, 0));
    fixture.settled().await;
    fixture.table.set_price(2);
    fixture.cache.publish(&CarUpdated(8)).await.unwrap();
    assert_eq!(both().await, (1, 2));
    fixture.settled().await;
    fixture.table.set_price(3);
    fixture
        .cache
        .invalidate_all(Invalidation::Hard)
        .await
        .unwrap();
    assert_eq!(both().await, (3, 3));
}

#[tokio::test]
async fn what_is_set_is_there() {
    let fixture = Fixture::new(policy());
    let set = |price| fixture.cars.set(&7, Car { price, shop: 3 });
    assert_eq!(set(5).await.unwrap(), Commit::Stored);
    assert_eq!(set(6).await.unwrap(), Commit::Stored);
    assert_eq!(fixture.price(7).await.unwrap(), 6);
    assert_eq!(fixture.table.reads(), 0);
}

#[tokio::test]
async fn what_was_read_before_an_invalidation_is_not_stored_after_it() {
    for how in [Invalidation::Hard, Invalidation::Soft] {
        let fixture = Fixture::new(policy());
        let fill = fixture.cars.open(&7).await.unwrap();
        let car = fixture.table.read();
        fixture.cars.invalidate(&7, how).await.unwrap();
        fill.commit(car).await.unwrap();
        fixture.table.set_price(1);
        assert_eq!(fixture.price(7).await.unwrap(), 1, "{how:?}");
    }
}

#[tokio::test]
async fn what_is_too_large_or_has_too_many_tags_is_given_and_not_stored() {
    let large = Fixture::new(policy().max_size(5));
    let tagged = policy().tags_of(|_: &Car| (0..40).map(|n| tag!("{n}")));
    for fixture in [large, Fixture::new(tagged)] {
        assert_eq!(fixture.price(7).await.unwrap(), 0);
        fixture.settled().await;
        assert_eq!(fixture.cars.get(&7).await, None);
        let car = Car { price: 1, shop: 1 };
        assert_eq!(fixture.cars.set(&7, car).await.unwrap(), Commit::TooLarge);
    }
}

#[tokio::test]
async fn a_version_reads_what_it_has_written_alone() {
    let cache = Cache::builder(MemoryStore::default())
        .objects("one", ObjectPolicy::<u32>::ttl(SECOND))
        .build()
        .unwrap();
    let _: UnknownObjects = cache.objects::<u64>("one").unwrap_err();
    let error = cache.objects::<u32>("two").unwrap_err();
    assert!(error.to_string().contains("\"two\""), "{error}");
    assert!(cache.objects::<u32>("one").is_ok());
}

#[tokio::test]
async fn nothing_can_be_an_object() {
    let cache = Cache::builder(MemoryStore::default())
        .objects("car", ObjectPolicy::<Option<Car>>::ttl(SECOND))
        .build()
        .unwrap();
    let cars = cache.objects::<Option<Car>>("car").unwrap();
    let load = async || Ok::<_, Failure>(None);
    assert_eq!(*cars.get_or_load(&7, load).await.unwrap(), None);
    let again = async || Err(Failure("asked again"));
    assert_eq!(*cars.get_or_load(&7, again).await.unwrap(), None);
}

#[test]
fn what_cannot_work_is_reported_at_once() {
    let error = Cache::builder(MemoryStore::default())
        .policy("a", exodrive_cache::CachePolicy::ttl(SECOND))
        .objects("a", ObjectPolicy::<u32>::ttl(Duration::ZERO))
        .objects("b", ObjectPolicy::<u32>::ttl(SECOND).tag("x:{name}"))
        .objects("b", ObjectPolicy::<u64>::ttl(SECOND).max_loads(0))
        .build()
        .unwrap_err();
    let text = error.to_string();
    for mistake in [
        "\"a\" is defined twice",
        "of zero",
        "{name}",
        "\"b\" is defined twice",
        "no calls",
    ] {
        assert!(text.contains(mistake), "{mistake}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_read_before_an_invalidation_is_given_and_not_stored() {
    let fixture = Fixture::new(policy().replica_lag(2 * SECOND));
    fixture
        .cars
        .invalidate(&7, Invalidation::Hard)
        .await
        .unwrap();
    assert_eq!(fixture.price(7).await.unwrap(), 0);
    fixture.settled().await;
    let car = Car { price: 0, shop: 3 };
    assert_eq!(fixture.cars.set(&7, car).await.unwrap(), Commit::Unsettled);
    assert_eq!(fixture.cars.get(&7).await, None);
    tokio::time::advance(2 * SECOND).await;
    assert_eq!(fixture.price(7).await.unwrap(), 0);
    fixture.settled().await;
    assert!(fixture.cars.get(&7).await.is_some());
}
