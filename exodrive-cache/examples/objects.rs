//! The cars of a shop, read through an object cache: one by one, many at once, and again after one has changed.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use exodrive_cache::{Cache, Event, MemoryStore, ObjectCache, ObjectPolicy, tag};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Car {
    model: String,
    price: u32,
    shop: u64,
}

struct ShopMoved {
    shop: u64,
}

impl Event for ShopMoved {
    const NAME: &'static str = "shop.moved";
    const TAGS: &'static [&'static str] = &["shop:{shop}"];
}

struct CarUpdated {
    id: u64,
}

impl Event for CarUpdated {
    const NAME: &'static str = "car.updated";
    const TAGS: &'static [&'static str] = &["car:{id}"];
}

/// A database that remembers what it was asked.
#[derive(Clone, Default)]
struct Database(Arc<Tables>);

#[derive(Default)]
struct Tables {
    cars: Mutex<BTreeMap<u64, Car>>,
    asked: Mutex<Vec<Vec<u64>>>,
}

#[derive(Debug, thiserror::Error)]
#[error("there is no such car")]
struct NoCar;

impl Database {
    fn put(&self, id: u64, model: &str, price: u32) {
        let model = model.to_owned();
        let car = Car {
            model,
            price,
            shop: 3,
        };
        self.0.cars.lock().insert(id, car);
    }

    async fn cars(&self, ids: Vec<u64>) -> Vec<(u64, Car)> {
        let cars = self.0.cars.lock();
        let found = ids
            .iter()
            .filter_map(|id| Some((*id, cars.get(id)?.clone())));
        let found = found.collect();
        self.0.asked.lock().push(ids);
        found
    }

    /// Returns what was asked for since this was called last.
    fn asked(&self) -> Vec<Vec<u64>> {
        std::mem::take(&mut self.0.asked.lock())
    }
}

/// How a handler reads cars.
struct Cars {
    cache: ObjectCache<Car, MemoryStore>,
    database: Database,
}

impl Cars {
    async fn one(&self, id: u64) -> Result<Arc<Car>, exodrive_cache::LoadError> {
        let database = self.database.clone();
        let load = async move || {
            let (_, car) = database.cars(vec![id]).await.pop().ok_or(NoCar)?;
            Ok::<_, NoCar>(car)
        };
        self.cache.get_or_load(&id, load).await
    }

    async fn many(&self, ids: &[u64]) -> Vec<u32> {
        let database = self.database.clone();
        let load = move |mut ids: Vec<u64>| {
            ids.sort_unstable();
            let database = database.clone();
            async move { Ok::<_, NoCar>(database.cars(ids).await) }
        };
        let cars = self
            .cache
            .get_or_load_many(ids.to_vec(), load)
            .await
            .unwrap();
        ids.iter()
            .filter_map(|id| Some(cars.get(id)?.price))
            .collect()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let policy = ObjectPolicy::ttl(Duration::from_secs(3600))
        .tags_of(|car: &Car| [tag!("shop:{}", car.shop)])
        .stale_while_revalidate(Duration::from_secs(60))
        .version(1);
    let cache = Cache::builder(MemoryStore::default())
        .objects("car", policy)
        .on(|event: &CarUpdated| [tag!("car:{}", event.id)])
        .on(|event: &ShopMoved| [tag!("shop:{}", event.shop)])
        .build()
        .unwrap();
    let database = Database::default();
    for (id, model) in [(1, "Fiat"), (2, "Lada"), (3, "Tatra")] {
        database.put(id, model, 30);
    }
    let cars = Cars {
        cache: cache.objects("car").unwrap(),
        database: database.clone(),
    };

    // The second time, it is the same object.
    let (first, second) = (cars.one(1).await.unwrap(), cars.one(1).await.unwrap());
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(database.asked(), [[1]]);

    // What is missing is loaded in one call.
    assert_eq!(cars.many(&[1, 2, 3]).await, [30, 30, 30]);
    assert_eq!(database.asked(), [[2, 3]]);

    // Changes are made in a transaction; what they make outdated is told after its commit.
    let mut events = cache.events();
    database.put(2, "Lada", 25);
    events.add(&CarUpdated { id: 2 }).unwrap();
    let published = events.publish().await.unwrap();
    assert!(published.deferred().is_empty());
    assert_eq!(cars.many(&[1, 2, 3]).await, [30, 25, 30]);
    assert_eq!(database.asked(), [[2]]);

    // A tag that is made of the object itself.
    cache.publish(&ShopMoved { shop: 3 }).await.unwrap();
    assert_eq!(cars.many(&[1, 2, 3]).await, [30, 25, 30]);
    assert_eq!(database.asked(), [[1, 2, 3]]);

    // An error goes to whoever asks, and is not kept.
    let error = cars.one(4).await.unwrap_err();
    assert!(error.downcast_ref::<NoCar>().is_some());
    database.put(4, "Trabant", 10);
    assert_eq!(cars.one(4).await.unwrap().price, 10);
}
