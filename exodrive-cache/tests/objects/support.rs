//! Cars, a table that counts how often it is read, and a gate at which reads can be held.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use exodrive_cache::testing::{ManualClock, Unreliable};
use exodrive_cache::{
    Cache, Event, LoadError, MemoryStore, ObjectCache, ObjectPolicy, Percent, tag,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything that is awaited takes.
const MOMENT: Duration = Duration::from_secs(30);

#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Car {
    pub(crate) price: u32,
    pub(crate) shop: u32,
}

pub(crate) struct CarUpdated(pub(crate) u32);

impl Event for CarUpdated {
    const NAME: &'static str = "car.updated";
}

#[derive(Debug)]
pub(crate) struct Failure(pub(crate) &'static str);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Failure {}

/// The table of cars. Each read is numbered; each car costs what the table says when it is read.
#[derive(Clone, Default)]
pub(crate) struct Table(Arc<Rows>);

#[derive(Default)]
struct Rows {
    price: AtomicU32,
    reads: AtomicUsize,
}

impl Table {
    pub(crate) fn read(&self) -> Car {
        self.0.reads.fetch_add(1, Ordering::SeqCst);
        Car {
            price: self.0.price.load(Ordering::SeqCst),
            shop: 3,
        }
    }

    pub(crate) fn reads(&self) -> usize {
        self.0.reads.load(Ordering::SeqCst)
    }

    pub(crate) fn set_price(&self, price: u32) {
        self.0.price.store(price, Ordering::SeqCst);
    }
}

/// Holds reads until the test lets them go on, one by one, and tells the test when one waits.
#[derive(Clone)]
pub(crate) struct Gate {
    arrived: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn closed() -> Self {
        Self {
            arrived: Arc::new(Semaphore::new(0)),
            open: Arc::new(Semaphore::new(0)),
        }
    }

    pub(crate) async fn pass(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    pub(crate) async fn arrival(&self) {
        let arrival = timeout(MOMENT, self.arrived.acquire()).await;
        arrival.expect("a read comes to the gate").unwrap().forget();
    }

    pub(crate) fn let_one_pass(&self) {
        self.open.add_permits(1);
    }
}

pub(crate) type Faulty = Unreliable<MemoryStore>;

/// A cache of cars on a store that can be told to fail.
#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) cache: Cache<Faulty>,
    pub(crate) cars: ObjectCache<Car, Faulty>,
    pub(crate) table: Table,
    pub(crate) clock: ManualClock,
}

pub(crate) fn policy() -> ObjectPolicy<Car> {
    ObjectPolicy::ttl(Duration::from_secs(60))
        .jitter(Percent::new(0))
        .early_refresh(0.0)
        .tag("fleet")
        .tags_of(|car: &Car| [tag!("shop:{}", car.shop)])
}

impl Fixture {
    pub(crate) fn new(policy: ObjectPolicy<Car>) -> Self {
        let clock = ManualClock::default();
        let cache = Cache::builder(Unreliable::new(MemoryStore::default()))
            .clock(&clock)
            .objects("car", policy)
            .on(|event: &CarUpdated| [tag!("car:{}", event.0)])
            .build()
            .unwrap();
        Self {
            cars: cache.objects("car").unwrap(),
            cache,
            table: Table::default(),
            clock,
        }
    }

    /// Reads a car through the cache and returns its price.
    pub(crate) async fn price(&self, id: u32) -> Result<u32, LoadError> {
        let table = self.table.clone();
        let load = async move || Ok::<_, Failure>(table.read());
        Ok(self.cars.get_or_load(&id, load).await?.price)
    }

    /// The same, with a read that waits at a gate once it has the car.
    pub(crate) fn pricing(&self, id: u32, gate: &Gate) -> JoinHandle<Result<u32, LoadError>> {
        let (fixture, gate) = (self.clone(), gate.clone());
        tokio::spawn(async move {
            let table = fixture.table.clone();
            let load = async move || {
                let car = table.read();
                gate.pass().await;
                Ok::<_, Failure>(car)
            };
            Ok(fixture.cars.get_or_load(&id, load).await?.price)
        })
    }

    /// What a loader that fails comes to.
    pub(crate) async fn failing(&self, id: u32) -> Result<u32, LoadError> {
        let load = async || Err::<Car, _>(Failure("no database"));
        Ok(self.cars.get_or_load(&id, load).await?.price)
    }

    pub(crate) async fn settled(&self) {
        exodrive_cache::testing::settled(&self.cache).await;
    }
}

/// Lets every task that can run do so.
pub(crate) async fn turns() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
