//! Many objects at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use exodrive_cache::{LoadError, LoadErrorKind};
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::support::{Car, Failure, Fixture, Gate, policy, turns};

const SECOND: Duration = Duration::from_secs(1);

/// What loaders were asked for, call by call.
type Calls = Arc<Mutex<Vec<Vec<u32>>>>;

/// Asks for many cars; the loader waits at the gate, and knows no car from 100 on.
fn asking(
    fixture: &Fixture,
    ids: &[u32],
    gate: Option<&Gate>,
    calls: &Calls,
) -> JoinHandle<Result<HashMap<u32, Arc<Car>>, LoadError>> {
    let (fixture, gate, calls) = (fixture.clone(), gate.cloned(), calls.clone());
    let ids = ids.to_vec();
    tokio::spawn(async move {
        let (table, cars) = (fixture.table, fixture.cars);
        let load = move |mut ids: Vec<u32>| {
            ids.sort_unstable();
            calls.lock().push(ids.clone());
            let (table, gate) = (table.clone(), gate.clone());
            async move {
                let price = table.read().price;
                if let Some(gate) = gate {
                    gate.pass().await;
                }
                let known = ids.into_iter().filter(|id| *id < 100);
                Ok::<_, Failure>(known.map(move |id| (id, Car { price, shop: id })))
            }
        };
        cars.get_or_load_many(ids, load).await
    })
}

fn shops(cars: &HashMap<u32, Arc<Car>>) -> Vec<(u32, u32)> {
    let mut shops: Vec<_> = cars.iter().map(|(id, car)| (*id, car.shop)).collect();
    shops.sort_unstable();
    shops
}

#[tokio::test]
async fn what_is_missing_is_loaded_in_one_call() {
    let fixture = Fixture::new(policy());
    let calls = Calls::default();
    fixture.price(2).await.unwrap();
    let cars = asking(&fixture, &[1, 2, 3, 1, 100], None, &calls).await;
    // Car 2 was loaded by itself, from another shop.
    assert_eq!(shops(&cars.unwrap().unwrap()), [(1, 1), (2, 3), (3, 3)]);
    assert_eq!(*calls.lock(), [[1, 3, 100]]);
    fixture.settled().await;
    asking(&fixture, &[1, 2, 3], None, &calls)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(calls.lock().len(), 1);
    let found = fixture.cars.get_many([3, 9, 1]).await;
    let shops: Vec<_> = found
        .iter()
        .map(|car| car.as_ref().map(|car| car.shop))
        .collect();
    assert_eq!(shops, [Some(3), None, Some(1)]);
}

#[tokio::test]
async fn two_that_want_each_others_share_wait_for_each_other() {
    let fixture = Fixture::new(policy());
    let calls = Calls::default();
    let gate = Gate::closed();
    let one = asking(&fixture, &[1, 2], Some(&gate), &calls);
    gate.arrival().await;
    let two = asking(&fixture, &[2, 3], Some(&gate), &calls);
    gate.arrival().await;
    let single = fixture.pricing(3, &gate);
    turns().await;
    gate.let_one_pass();
    gate.let_one_pass();
    assert_eq!(shops(&one.await.unwrap().unwrap()), [(1, 1), (2, 2)]);
    assert_eq!(shops(&two.await.unwrap().unwrap()), [(2, 2), (3, 3)]);
    assert_eq!(single.await.unwrap().unwrap(), 0);
    assert_eq!(*calls.lock(), [vec![1, 2], vec![3]]);
}

#[tokio::test]
async fn a_caller_that_leaves_takes_nothing_with_it() {
    let fixture = Fixture::new(policy());
    let calls = Calls::default();
    let gate = Gate::closed();
    let first = asking(&fixture, &[1, 2], Some(&gate), &calls);
    gate.arrival().await;
    first.abort();
    assert!(first.await.is_err());
    gate.let_one_pass();
    fixture.settled().await;
    assert!(
        fixture
            .cars
            .get_many([1, 2])
            .await
            .iter()
            .all(Option::is_some)
    );
}

#[tokio::test]
async fn what_is_due_is_loaded_along_or_in_the_background() {
    let fixture = Fixture::new(policy().stale_while_revalidate(10 * SECOND));
    let calls = Calls::default();
    let ask = async |ids: &[u32]| {
        let cars = asking(&fixture, ids, None, &calls).await.unwrap().unwrap();
        fixture.settled().await;
        let mut prices: Vec<_> = cars.values().map(|car| car.price).collect();
        prices.sort_unstable();
        prices
    };
    ask(&[1]).await;
    fixture.table.set_price(1);
    fixture.clock.advance(65 * SECOND);
    // There is one to wait for, so both are new.
    assert_eq!(ask(&[1, 2]).await, [1, 1]);
    fixture.table.set_price(2);
    fixture.clock.advance(65 * SECOND);
    assert_eq!(ask(&[1, 2]).await, [1, 1]);
    assert_eq!(ask(&[1, 2]).await, [2, 2]);
    assert_eq!(*calls.lock(), [vec![1], vec![1, 2], vec![1, 2]]);
}

#[tokio::test]
async fn an_error_is_everybodys_unless_there_is_something_stale() {
    let fixture = Fixture::new(policy().stale_if_error(10 * SECOND));
    fixture.price(1).await.unwrap();
    fixture.clock.advance(65 * SECOND);
    let ask = async |ids: &[u32]| {
        let load = async |_| Err::<Vec<(u32, Car)>, _>(Failure("no database"));
        fixture.cars.get_or_load_many(ids.to_vec(), load).await
    };
    assert_eq!(ask(&[1]).await.unwrap().len(), 1);
    let error = ask(&[1, 2]).await.unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::Loader);
    let load = async |_| -> Result<Vec<(u32, Car)>, Failure> { panic!("a mistake") };
    let error = fixture.cars.get_or_load_many([2], load).await.unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::Panicked);
    assert_eq!(fixture.price(2).await.unwrap(), 0);
}
