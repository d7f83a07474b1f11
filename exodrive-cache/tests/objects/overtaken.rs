//! An object that was read before an invalidation is given to nobody who asks after it, whenever the invalidation came.

use std::slice::from_ref;

use exodrive_cache::testing::{Fault, Operation};
use exodrive_cache::{Invalidation, tag};

use super::support::{Fixture, Gate, policy, turns};

/// How far the first load has come.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// The fill is being opened, and nothing has been read.
    Opening,
    /// The loader has read the object and has not returned it.
    Read,
    /// The entry is on its way into the store.
    Committing,
}

#[tokio::test]
async fn no_tag_and_no_moment_lets_an_overtaken_object_through() {
    for moment in [Moment::Opening, Moment::Read, Moment::Committing] {
        for tag in [tag!("car"), tag!("car:7"), tag!("fleet"), tag!("shop:3")] {
            for how in [Invalidation::Hard, Invalidation::Soft] {
                let context = format!("{how:?} invalidation of {tag} while {moment:?}");
                let fixture = Fixture::new(policy());
                let gate = Gate::closed();
                let store = fixture.cache.store();
                match moment {
                    Moment::Opening => store.fault(Operation::Open, Fault::Hang),
                    Moment::Committing => store.fault(Operation::Commit, Fault::Hang),
                    Moment::Read => {}
                }
                let first = fixture.pricing(7, &gate);
                match moment {
                    Moment::Opening => store.held(Operation::Open, 1).await,
                    Moment::Read => gate.arrival().await,
                    Moment::Committing => {
                        gate.arrival().await;
                        gate.let_one_pass();
                        store.held(Operation::Commit, 1).await;
                    }
                }
                let early = fixture.pricing(7, &gate);
                turns().await;

                fixture.table.set_price(1);
                fixture
                    .cars
                    .invalidate_tags(from_ref(&tag), how)
                    .await
                    .unwrap();
                let late = fixture.pricing(7, &gate);
                turns().await;
                store.repair();
                for _ in 0..5 {
                    gate.let_one_pass();
                }
                assert_eq!(late.await.unwrap().unwrap(), 1, "{context}: given late");
                // Whoever came before may have either.
                first.await.unwrap().unwrap();
                early.await.unwrap().unwrap();
                fixture.settled().await;
                assert_eq!(fixture.price(7).await.unwrap(), 1, "{context}: stored");
            }
        }
    }
}

#[tokio::test]
async fn a_load_of_many_is_overtaken_like_any_other() {
    for how in [Invalidation::Hard, Invalidation::Soft] {
        let fixture = Fixture::new(policy());
        let gate = Gate::closed();
        let many = {
            let (fixture, gate) = (fixture.clone(), gate.clone());
            tokio::spawn(async move {
                let (cars, table) = (fixture.cars, fixture.table);
                let load = move |ids: Vec<u32>| {
                    let (table, gate) = (table.clone(), gate.clone());
                    async move {
                        let car = table.read();
                        gate.pass().await;
                        let price = car.price;
                        let cars = ids.into_iter();
                        let cars =
                            cars.map(move |id| (id, super::support::Car { price, shop: id }));
                        Ok::<_, super::support::Failure>(cars)
                    }
                };
                cars.get_or_load_many([7, 8], load).await
            })
        };
        gate.arrival().await;
        fixture.table.set_price(1);
        fixture.cars.invalidate(&7, how).await.unwrap();
        let late = fixture.pricing(7, &gate);
        let other = fixture.pricing(8, &gate);
        turns().await;
        for _ in 0..5 {
            gate.let_one_pass();
        }
        many.await.unwrap().unwrap();
        assert_eq!(late.await.unwrap().unwrap(), 1, "{how:?}");
        assert_eq!(
            other.await.unwrap().unwrap(),
            0,
            "{how:?}: it is not concerned"
        );
        fixture.settled().await;
        assert_eq!(fixture.price(7).await.unwrap(), 1, "{how:?}: stored");
    }
}
