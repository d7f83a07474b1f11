//! Objects that instances share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use exodrive_cache::{
    Cache, Invalidated, Invalidation, LoadError, Object, ObjectCache, ObjectPolicy, RedisStore,
    Store, TieredStore,
};
use exodrive_faults::{PATIENCE, Server};
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use crate::instance::{tiered, until};
use crate::support::{builder, connect, start, store};

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Car {
    price: u32,
}

/// What the form of a car was before.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct OldCar {
    cost: String,
}

/// The database that all instances share.
#[derive(Clone, Default)]
struct Database(Arc<(AtomicU32, AtomicU32)>);

impl Database {
    fn reads(&self) -> u32 {
        self.0.1.load(Ordering::SeqCst)
    }

    fn set_price(&self, price: u32) {
        self.0.0.store(price, Ordering::SeqCst);
    }

    /// Reads a car through the cache, from a database that takes `pause`.
    async fn price<St: Store>(
        &self,
        cars: &ObjectCache<Car, St>,
        pause: Duration,
    ) -> Result<u32, LoadError> {
        let database = self.clone();
        let load = async move || {
            let (price, reads) = &*database.0;
            reads.fetch_add(1, Ordering::SeqCst);
            let price = price.load(Ordering::SeqCst);
            sleep(pause).await;
            Ok::<_, std::io::Error>(Car { price })
        };
        Ok(cars.get_or_load(&7, load).await?.price)
    }
}

fn cars_on<T: Object, St: Store>(store: St, version: u32) -> ObjectCache<T, St> {
    let policy = ObjectPolicy::<T>::ttl(Duration::from_secs(60)).version(version);
    let cache = Cache::builder(store).objects("car", policy).build();
    cache.unwrap().objects("car").unwrap()
}

async fn tiered_cars(server: &Server) -> ObjectCache<Car, TieredStore> {
    cars_on(tiered(store(server).await).await, 0)
}

/// Waits until an instance finds the car in the store.
async fn found<T: Object, St: Store>(cars: &ObjectCache<T, St>) -> Arc<T> {
    let found = async {
        loop {
            if let Some(car) = cars.get(&7).await {
                break car;
            }
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, found).await.unwrap()
}

#[tokio::test]
async fn what_one_instance_loads_the_others_find_and_keep_as_it_is() {
    let server = start();
    let database = Database::default();
    let [one, other] = [tiered_cars(&server).await, tiered_cars(&server).await];
    database.price(&one, Duration::ZERO).await.unwrap();
    found(&other).await;
    // It was read once, and is in memory from now on.
    assert!(Arc::ptr_eq(&found(&other).await, &found(&other).await));
    database.price(&other, Duration::ZERO).await.unwrap();
    assert_eq!(database.reads(), 1);
}

#[tokio::test]
async fn an_invalidation_reaches_a_load_of_another_instance() {
    for how in [Invalidation::Hard, Invalidation::Soft] {
        let server = start();
        let database = Database::default();
        let [one, other] = [tiered_cars(&server).await, tiered_cars(&server).await];
        let loading = tokio::spawn({
            let (database, one) = (database.clone(), one.clone());
            async move { database.price(&one, Duration::from_millis(200)).await }
        });
        until(|| database.reads() == 1).await;
        database.set_price(1);
        let invalidated = other.invalidate(&7, how).await.unwrap();
        assert_eq!(invalidated, Invalidated::Applied);
        let price = database.price(&other, Duration::ZERO).await.unwrap();
        assert_eq!(price, 1, "{how:?}");
        loading.await.unwrap().unwrap();
        for cars in [&one, &other] {
            let price = database.price(cars, Duration::ZERO).await.unwrap();
            assert_eq!(price, 1, "{how:?}: what was under way is not stored");
        }
    }
}

#[tokio::test]
async fn instances_load_once_for_all() {
    let server = start();
    let database = Database::default();
    let instance = async || {
        let store = RedisStore::new(connect(&server).await);
        cars_on::<Car, _>(store.lease(PATIENCE), 0)
    };
    let [one, other] = [instance().await, instance().await];
    let pause = Duration::from_millis(100);
    let both = tokio::join!(database.price(&one, pause), database.price(&other, pause));
    assert_eq!((both.0.unwrap(), both.1.unwrap()), (0, 0));
    assert_eq!(database.reads(), 1);
}

#[tokio::test]
async fn what_is_set_does_not_wait_for_a_load_of_another_instance() {
    let server = start();
    let database = Database::default();
    let instance = async || {
        let store = RedisStore::new(connect(&server).await);
        cars_on::<Car, _>(store.lease(PATIENCE), 0)
    };
    let [one, other] = [instance().await, instance().await];
    let loading = tokio::spawn({
        let database = database.clone();
        async move { database.price(&one, PATIENCE).await }
    });
    until(|| database.reads() == 1).await;
    other.set(&7, Car { price: 5 }).await.unwrap();
    assert_eq!(found(&other).await.price, 5);
    loading.abort();
}

#[tokio::test]
async fn another_form_is_a_miss_that_is_counted_and_another_version_is_not_seen() {
    let server = start();
    let database = Database::default();
    let old = cars_on::<OldCar, _>(store(&server).await, 0);
    let new = cars_on::<Car, _>(store(&server).await, 0);
    let newer = cars_on::<Car, _>(store(&server).await, 1);
    let cost = "30".to_owned();
    old.set(&7, OldCar { cost }).await.unwrap();
    assert_eq!(newer.get(&7).await, None);
    assert_eq!(newer.unreadable(), 0);
    assert_eq!(new.get(&7).await, None);
    assert_eq!(new.unreadable(), 1);
    // It is replaced by one that can be read.
    database.price(&new, Duration::ZERO).await.unwrap();
    assert_eq!(found(&new).await.price, 0);
}

#[tokio::test]
async fn without_redis_objects_are_loaded() {
    let mut server = start();
    let database = Database::default();
    let redis = builder(&server).deadline(Duration::from_millis(50));
    let cars = cars_on::<Car, _>(RedisStore::new(redis.build().unwrap()), 0);
    server.kill();
    for price in 1..4 {
        database.set_price(price);
        let loaded = database.price(&cars, Duration::ZERO).await.unwrap();
        assert_eq!(loaded, price);
    }
    assert_eq!(cars.get(&7).await, None);
    let invalidated = cars.invalidate(&7, Invalidation::Hard).await.unwrap();
    assert_eq!(invalidated, Invalidated::Deferred);
}

#[cfg(feature = "lz4")]
#[tokio::test]
async fn what_is_packed_is_shared_like_all_else() {
    let server = start();
    let admin = server.admin().await;
    let packing = cars_on::<String, _>(store(&server).await.compress_from(100), 0);
    let other = cars_on::<String, _>(store(&server).await, 0);
    let long = "a car ".repeat(1_000);
    packing.set(&7, long.clone()).await.unwrap();
    assert_eq!(*found(&other).await, long);
    let keys: Vec<String> = admin.ask("KEYS cache:e:*").await;
    let fields: Vec<String> = admin.ask(&format!("HKEYS {}", keys[0])).await;
    let variant = fields.iter().find(|field| *field != "vary").unwrap();
    let length: usize = admin.ask(&format!("HSTRLEN {} {variant}", keys[0])).await;
    assert!(length < 500, "{length}");
    packing.invalidate(&7, Invalidation::Hard).await.unwrap();
    assert_eq!(other.get(&7).await, None);
}
