//! One fill per key at a time: who asks, and who waits for the answer.

use std::collections::{HashMap, hash_map};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::entry::Head;
use crate::filling::Filling;
use crate::{CacheKey, Tag};

/// The fills that are under way in this process. `F` is the store's fill, and `A` what it shares.
#[derive(Debug)]
pub(crate) struct Flights<F, A = Answering>(Mutex<HashMap<CacheKey, Arc<Flight<F, A>>>>);

/// A fill that is under way.
#[derive(Debug)]
pub(crate) struct Flight<F, A = Answering> {
    stage: watch::Sender<Stage<A>>,
    basis: OnceLock<Basis<F>>,
    /// Some reader may have the whole body already.
    complete: AtomicBool,
}

/// What tells whether something was invalidated since a fill was opened.
#[derive(Debug)]
pub(crate) enum Basis<F> {
    /// The store's fill.
    Store(F),
    /// The store failed: how many invalidations this process had made.
    Process(u64),
}

/// How far a fill has come. `Opening` goes to one of the others.
#[derive(Clone, Debug)]
pub(crate) enum Stage<A = Answering> {
    /// The handler has not answered yet, or its body may still turn out too long.
    Opening,
    /// The answer is storable, and its body is on its way or complete.
    Answering(A),
    /// The same, and the fill is over: the answer is in the store if it could be stored.
    Answered(A),
    /// There is nothing to share, but a request that looks for itself may find an entry, or lead.
    /// An entry is not handed on here: it may be invalidated by the time a waiting request hears of it.
    Released,
    /// The handler failed. Who has nothing to fall back upon looks for itself, as after `Released`.
    Failed,
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

/// The duty to end a flight. Dropping it ends the flight, so nobody waits for ever.
#[derive(Debug)]
pub(crate) struct Lead<F, A: Clone = Answering> {
    /// Where others find the flight; a flight of its own is found by nobody.
    flights: Option<Arc<Flights<F, A>>>,
    key: CacheKey,
    flight: Arc<Flight<F, A>>,
}

/// What a request for a key is to do.
pub(crate) enum Join<F, A: Clone = Answering> {
    Lead(Lead<F, A>),
    Follow(Arc<Flight<F, A>>),
}

// === impl Flights ===

impl<F, A: Clone> Flights<F, A> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// Follows the flight for `key`, or leads a new one if there is none or only `outdated`.
    pub(crate) fn join(
        self: &Arc<Self>,
        key: &CacheKey,
        outdated: Option<&Arc<Flight<F, A>>>,
    ) -> Join<F, A> {
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

impl<F, A> Flights<F, A> {
    /// Returns how many flights can be joined.
    #[cfg(feature = "testing")]
    pub(crate) fn under_way(&self) -> usize {
        self.0.lock().len()
    }

    /// Waits until nobody needs the flights any longer that can be joined now.
    #[cfg(feature = "testing")]
    pub(crate) async fn ended(&self) {
        let flights: Vec<_> = {
            let flights = self.0.lock();
            let stages = flights.values().map(|flight| flight.stage.subscribe());
            stages.collect()
        };
        for mut stage in flights {
            // An error says that nobody leads or follows the flight any more.
            while stage.changed().await.is_ok() {}
        }
    }

    fn remove(&self, key: &CacheKey, flight: &Arc<Flight<F, A>>) {
        let mut flights = self.0.lock();
        if let Some(current) = flights.get(key)
            && Arc::ptr_eq(current, flight)
        {
            flights.remove(key);
        }
    }
}

// === impl Flight ===

impl<F, A: Clone> Flight<F, A> {
    fn new() -> Self {
        Self {
            stage: watch::Sender::new(Stage::Opening),
            basis: OnceLock::new(),
            complete: AtomicBool::new(false),
        }
    }

    /// Returns by what the flight is judged, once the handler may have been asked.
    pub(crate) fn basis(&self) -> Option<&Basis<F>> {
        self.basis.get()
    }

    /// Returns whether a request may come from a client that has this flight's whole answer.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// Waits until there is something to share, or nothing to wait for.
    pub(crate) async fn landed(&self) -> Stage<A> {
        self.reached(|stage| !matches!(stage, Stage::Opening)).await
    }

    /// Waits until the answer is in the store, or nothing to wait for.
    pub(crate) async fn stored(&self) {
        self.reached(|stage| !matches!(stage, Stage::Opening | Stage::Answering(_)))
            .await;
    }

    async fn reached(&self, wanted: impl Fn(&Stage<A>) -> bool) -> Stage<A> {
        let mut stage = self.stage.subscribe();
        match stage.wait_for(|stage| wanted(stage)).await {
            Ok(stage) => stage.clone(),
            Err(_) => Stage::Abandoned,
        }
    }
}

// === impl Lead ===

impl<F, A: Clone> Lead<F, A> {
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

    /// Notes by what the flight is judged. From here on, an invalidation outdates it.
    pub(crate) fn open(&self, basis: Basis<F>) {
        // A lead opens once; were there an earlier basis, it would be the one to judge by.
        let _ = self.flight.basis.set(basis);
    }

    /// Returns the store's fill, if the store could open one.
    pub(crate) fn fill(&self) -> Option<&F> {
        match self.flight.basis()? {
            Basis::Store(fill) => Some(fill),
            Basis::Process(_) => None,
        }
    }

    /// Shares an answer with everybody who waits, now and until the lead is dropped.
    pub(crate) fn announce(&self, answering: A) {
        self.flight.stage.send_replace(Stage::Answering(answering));
    }

    /// Notes that some reader is about to have the whole body. Who comes from here on looks in the store, once the
    /// answer is there: for a client that has it, asking again is not part of the same fill.
    pub(crate) fn complete(&self) {
        self.flight.complete.store(true, Ordering::Release);
    }

    /// Ends the flight in a way that lets everybody look for themselves.
    pub(crate) fn release(&self) {
        self.end(&Stage::Released);
    }

    /// Ends the flight because the handler failed.
    pub(crate) fn fail(&self) {
        self.end(&Stage::Failed);
    }

    /// Ends the flight; who waits for an answer that was not announced goes without.
    pub(crate) fn abandon(&self) {
        self.end(&Stage::Abandoned);
    }

    fn end(&self, unannounced: &Stage<A>) {
        // First, so that who hears of the end does not find the flight again.
        if let Some(flights) = &self.flights {
            flights.remove(&self.key, &self.flight);
        }
        self.flight.stage.send_modify(|stage| match stage {
            Stage::Opening => *stage = unannounced.clone(),
            Stage::Answering(answering) => *stage = Stage::Answered(answering.clone()),
            Stage::Answered(_) | Stage::Released | Stage::Failed | Stage::Abandoned => {}
        });
    }
}

impl<F, A: Clone> Drop for Lead<F, A> {
    fn drop(&mut self) {
        match self.flight.basis() {
            Some(_) => self.abandon(),
            // The client left before the handler was asked: another one leads.
            None => self.release(),
        }
    }
}
