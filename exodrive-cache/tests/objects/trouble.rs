//! Loaders and stores that fail.

use std::error::Error;
use std::time::Duration;

use exodrive_cache::testing::{Fault, Operation};
use exodrive_cache::{Invalidation, LoadErrorKind};
use futures_util::future::join_all;

use super::support::{Car, Failure, Fixture, Gate, policy, turns};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn an_error_goes_to_all_who_waited_and_is_not_remembered() {
    let fixture = Fixture::new(policy());
    let gate = Gate::closed();
    let ask = || {
        let (fixture, gate) = (fixture.clone(), gate.clone());
        tokio::spawn(async move {
            let load = async move || {
                gate.pass().await;
                Err::<Car, _>(Failure("no database"))
            };
            fixture.cars.get_or_load(&7, load).await
        })
    };
    let asked: Vec<_> = (0..10).map(|_| ask()).collect();
    gate.arrival().await;
    turns().await;
    gate.let_one_pass();
    for answer in join_all(asked).await {
        let error = answer.unwrap().unwrap_err();
        assert_eq!(error.kind(), LoadErrorKind::Loader);
        assert_eq!(error.downcast_ref::<Failure>().unwrap().0, "no database");
        assert_eq!(error.source().unwrap().to_string(), "no database");
    }
    assert_eq!(fixture.price(7).await.unwrap(), 0);
}

#[tokio::test]
async fn a_panic_is_an_error_and_no_more() {
    let fixture = Fixture::new(policy());
    let gate = Gate::closed();
    let ask = || {
        let (fixture, gate) = (fixture.clone(), gate.clone());
        tokio::spawn(async move {
            let load = async move || -> Result<Car, Failure> {
                gate.pass().await;
                panic!("a loader with a mistake in it")
            };
            fixture.cars.get_or_load(&7, load).await
        })
    };
    let (first, second) = (ask(), ask());
    gate.arrival().await;
    turns().await;
    gate.let_one_pass();
    for answer in [first, second] {
        let error = answer.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), LoadErrorKind::Panicked);
    }
    assert_eq!(fixture.price(7).await.unwrap(), 0);
}

#[tokio::test]
async fn a_stale_object_is_served_when_loading_fails_unless_it_was_invalidated() {
    let fixture = Fixture::new(policy().stale_if_error(10 * SECOND));
    fixture.price(7).await.unwrap();
    fixture.clock.advance(65 * SECOND);
    assert_eq!(fixture.failing(7).await.unwrap(), 0);
    fixture
        .cars
        .invalidate(&7, Invalidation::Soft)
        .await
        .unwrap();
    assert_eq!(fixture.failing(7).await.unwrap(), 0);
    fixture
        .cars
        .invalidate(&7, Invalidation::Hard)
        .await
        .unwrap();
    let error = fixture.failing(7).await.unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::Loader);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_the_timeout() {
    let fixture = Fixture::new(policy().timeout(2 * SECOND));
    let gate = Gate::closed();
    let started = tokio::time::Instant::now();
    let error = fixture.pricing(7, &gate).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::Slow);
    assert_eq!(started.elapsed(), 2 * SECOND);
    turns().await;
    assert_eq!(fixture.price(7).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stale_object_is_served_while_a_slow_load_goes_on() {
    let policy = policy().stale_if_error(10 * SECOND).soft_timeout(SECOND);
    let fixture = Fixture::new(policy);
    fixture.price(7).await.unwrap();
    fixture.clock.advance(65 * SECOND);
    fixture.table.set_price(1);
    let gate = Gate::closed();
    let started = tokio::time::Instant::now();
    assert_eq!(fixture.pricing(7, &gate).await.unwrap().unwrap(), 0);
    assert_eq!(started.elapsed(), SECOND);
    gate.let_one_pass();
    fixture.settled().await;
    assert_eq!(fixture.price(7).await.unwrap(), 1);
    assert_eq!(fixture.table.reads(), 2);
}

#[tokio::test]
async fn a_load_too_many_is_an_error_at_once() {
    let fixture = Fixture::new(policy().max_loads(1));
    let gate = Gate::closed();
    let first = fixture.pricing(7, &gate);
    gate.arrival().await;
    let error = fixture.price(8).await.unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::Overloaded);
    gate.let_one_pass();
    assert_eq!(first.await.unwrap().unwrap(), 0);
    assert_eq!(fixture.price(8).await.unwrap(), 0);
}

#[tokio::test]
async fn a_store_that_fails_changes_no_object() {
    for operation in [
        Operation::Lookup,
        Operation::Open,
        Operation::IsCurrent,
        Operation::Commit,
        Operation::Release,
    ] {
        let fixture = Fixture::new(policy());
        fixture.cache.store().fault(operation, Fault::Fail);
        for price in 1..3 {
            fixture.table.set_price(price);
            fixture
                .cars
                .invalidate(&7, Invalidation::Hard)
                .await
                .unwrap();
            assert_eq!(fixture.price(7).await.unwrap(), price, "{operation:?}");
            fixture.settled().await;
        }
        fixture.cars.get(&7).await;
        fixture.cars.get_many([7, 8]).await;
    }
}

#[tokio::test]
async fn many_at_once_read_once_also_while_the_store_fails() {
    let fixture = Fixture::new(policy());
    fixture.cache.store().fault(Operation::Open, Fault::Fail);
    let gate = Gate::closed();
    let asked: Vec<_> = (0..10).map(|_| fixture.pricing(7, &gate)).collect();
    gate.arrival().await;
    turns().await;
    gate.let_one_pass();
    for price in join_all(asked).await {
        assert_eq!(price.unwrap().unwrap(), 0);
    }
    assert_eq!(fixture.table.reads(), 1);
    assert!(fixture.cars.set(&7, fixture.table.read()).await.is_err());
}
