//! One fill per key at a time: who asks, and who waits for the answer.

use std::collections::{HashMap, hash_map};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::entry::Head;
use crate::filling::Filling;
use crate::{CacheKey, Tag};

/// The fills that are under way in this process. `F` is the store's fill.
#[derive(Debug)]
pub(crate) struct Flights<F>(Mutex<HashMap<CacheKey, Arc<Flight<F>>>>);

/// A fill that is under way.
#[derive(Debug)]
pub(crate) struct Flight<F> {
    stage: watch::Sender<Stage>,
    fill: OnceLock<F>,
}

/// How far a fill has come. `Opening` goes to one of the others.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// The handler has not answered yet, or its body may still turn out too long.
    Opening,
    /// The answer is storable, and its body is on its way or complete.
    Answering(Answering),
    /// The store had an entry after all. Everybody looks for themselves: it may be invalidated by
    /// the time a waiting request hears of it.
    Released,
    /// There is no answer to share.
    Abandoned,
}

/// A storable answer whose body is on its way.
#[derive(Clone, Debug)]
pub(crate) struct Answering {
    pub(crate) head: Arc<Head>,
    pub(crate) tags: Arc<[Tag]>,
    pub(crate) length: Option<u64>,
    pub(crate) filling: Arc<Filling>,
}

/// The duty to end a flight. Dropping it abandons the flight, so nobody waits for ever.
#[derive(Debug)]
pub(crate) struct Lead<F> {
    /// Where others find the flight; a flight of its own is found by nobody.
    flights: Option<Arc<Flights<F>>>,
    key: CacheKey,
    flight: Arc<Flight<F>>,
}

/// What a request for a key is to do.
pub(crate) enum Join<F> {
    Lead(Lead<F>),
    Follow(Arc<Flight<F>>),
}

// === impl Flights ===

impl<F> Flights<F> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// Follows the flight for `key`, or leads a new one if there is none or only `outdated`.
    pub(crate) fn join(
        self: &Arc<Self>,
        key: &CacheKey,
        outdated: Option<&Arc<Flight<F>>>,
    ) -> Join<F> {
        let mut flights = self.0.lock();
        let flight = match flights.entry(key.clone()) {
            hash_map::Entry::Occupied(current)
                if !outdated.is_some_and(|outdated| Arc::ptr_eq(outdated, current.get())) =>
            {
                return Join::Follow(current.get().clone());
            }
            // The outdated flight goes on for those who joined it in time.
            hash_map::Entry::Occupied(mut current) => {
                current.insert(Arc::new(Flight::new()));
                current.get().clone()
            }
            hash_map::Entry::Vacant(vacant) => vacant.insert(Arc::new(Flight::new())).clone(),
        };
        Join::Lead(Lead {
            flights: Some(self.clone()),
            key: key.clone(),
            flight,
        })
    }
}

impl<F> Flights<F> {
    /// Returns the stages of all flights that can be joined; each is closed once nobody needs it.
    #[cfg(feature = "testing")]
    pub(crate) fn under_way(&self) -> Vec<watch::Receiver<Stage>> {
        let flights = self.0.lock();
        flights
            .values()
            .map(|flight| flight.stage.subscribe())
            .collect()
    }

    fn remove(&self, key: &CacheKey, flight: &Arc<Flight<F>>) {
        let mut flights = self.0.lock();
        if let Some(current) = flights.get(key)
            && Arc::ptr_eq(current, flight)
        {
            flights.remove(key);
        }
    }
}

// === impl Flight ===

impl<F> Flight<F> {
    fn new() -> Self {
        Self {
            stage: watch::Sender::new(Stage::Opening),
            fill: OnceLock::new(),
        }
    }

    /// Returns the store's fill, once it is open.
    pub(crate) fn fill(&self) -> Option<&F> {
        self.fill.get()
    }

    /// Waits until there is something to share, or nothing to wait for.
    pub(crate) async fn landed(&self) -> Stage {
        let mut stage = self.stage.subscribe();
        match stage
            .wait_for(|stage| !matches!(stage, Stage::Opening))
            .await
        {
            Ok(stage) => stage.clone(),
            Err(_) => Stage::Abandoned,
        }
    }
}

// === impl Lead ===

impl<F> Lead<F> {
    /// Leads a flight that nobody else can join.
    pub(crate) fn alone(key: &CacheKey) -> Self {
        Self {
            flights: None,
            key: key.clone(),
            flight: Arc::new(Flight::new()),
        }
    }

    pub(crate) fn key(&self) -> &CacheKey {
        &self.key
    }

    /// Notes the store's fill. From here on, an invalidation outdates the flight.
    pub(crate) fn open(&self, fill: F) {
        // A lead opens its fill once; were there an earlier one, it would be the one to judge by.
        let _ = self.flight.fill.set(fill);
    }

    pub(crate) fn fill(&self) -> Option<&F> {
        self.flight.fill()
    }

    /// Shares an answer with everybody who waits, now and until the lead is dropped.
    pub(crate) fn announce(&self, answering: Answering) {
        self.flight.stage.send_replace(Stage::Answering(answering));
    }

    /// Ends the flight because the store has an entry.
    pub(crate) fn release(self) {
        self.flight.stage.send_replace(Stage::Released);
    }

    /// Ends the flight; who waits for an answer that was not announced goes without.
    pub(crate) fn abandon(&self) {
        if let Some(flights) = &self.flights {
            flights.remove(&self.key, &self.flight);
        }
        self.flight.stage.send_if_modified(|stage| {
            let unanswered = matches!(stage, Stage::Opening);
            if unanswered {
                *stage = Stage::Abandoned;
            }
            unanswered
        });
    }
}

impl<F> Drop for Lead<F> {
    fn drop(&mut self) {
        self.abandon();
    }
}
