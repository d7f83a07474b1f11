//! Entries in this process's memory.

use std::fmt;
use std::future::{self, Future};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use quick_cache::sync::Cache as Map;
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter};
use smallvec::{SmallVec, smallvec};
use tokio::time::Instant;

use super::ledger::{Ledger, Position, Validity};
use super::recent::Recent;
use super::{Commit, Found, Invalidated, Invalidation, Opened, Opening, Store};
use crate::error::StoreError;
#[cfg(feature = "metrics")]
use crate::meters::EvictionMeter;
use crate::{CacheKey, Entry, Tag};

/// How many tags the ledger tells apart before it forgets the ones that were invalidated longest ago.
const LEDGER_CAPACITY: usize = 1 << 16;
/// How many answers to requests that differ in what `Vary` names are kept under one key.
const MAX_VARIANTS: usize = 16;
/// What the map is sized for at first; it grows with what is stored.
const EXPECTED_WEIGHT: u64 = 8 << 10;

/// Entries in this process's memory, up to a number of bytes.
///
/// When it is full, the entries that are asked for least make room.
pub struct MemoryStore {
    /// By the inputs of the key: they have to be compared anyway, and a digest of them costs more than the rest of a hit.
    slots: Map<Bytes, Arc<Slot>, BySlotWeight, DefaultHashBuilder, Evictions>,
    evictions: Evictions,
    ledger: Arc<Ledger>,
    recent: Recent,
}

/// A fill of a [`MemoryStore`].
#[derive(Debug)]
pub struct MemoryFill {
    opened_at: Position,
    /// What was invalidated since then may not be in the data yet that the handler reads.
    settled_at: Position,
}

/// The entries of one key: one for each value of what their `Vary` names, the newest first.
struct Slot(SmallVec<[Variant; 1]>);

struct Variant {
    entry: Arc<Entry>,
    /// The entry is known to be valid up to here.
    valid_until: AtomicU64,
}

#[derive(Clone)]
struct BySlotWeight;

/// Counts what had to make room.
#[derive(Clone, Default)]
struct Evictions {
    count: Arc<AtomicU64>,
    #[cfg(feature = "metrics")]
    meter: EvictionMeter,
}

// === impl MemoryStore ===

impl MemoryStore {
    /// Makes a store that holds up to `bytes` of entries.
    ///
    /// The bytes are divided among a few shards, and an entry has to fit into one of them.
    #[must_use]
    pub fn with_capacity(bytes: u64) -> Self {
        let expected = usize::try_from(bytes / EXPECTED_WEIGHT).unwrap_or(usize::MAX);
        let evictions = Evictions::default();
        Self {
            slots: Map::with(
                expected,
                bytes,
                BySlotWeight,
                DefaultHashBuilder::default(),
                evictions.clone(),
            ),
            evictions,
            ledger: Arc::new(Ledger::new(LEDGER_CAPACITY)),
            recent: Recent::default(),
        }
    }

    /// Returns how many keys have lost their entries to others that needed room.
    #[must_use]
    pub fn evictions(&self) -> u64 {
        self.evictions.count.load(Ordering::Relaxed)
    }

    /// Returns how many bytes the entries take, by [`Entry::weight`].
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.slots.weight()
    }
}

impl MemoryStore {
    /// Returns what has been invalidated.
    #[cfg(feature = "redis")]
    pub(super) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Keeps an entry that was valid at `since`, if it is not invalid by now.
    pub(super) fn keep(&self, entry: Arc<Entry>, since: Position) -> Commit {
        if self.ledger.check(since, entry.tags()) == Validity::Invalid {
            return Commit::Overtaken;
        }
        if entry.weight() > self.slots.shard_capacity() {
            return Commit::TooLarge;
        }
        // An invalidation may happen right here. The variant keeps the position, so the next lookup
        // finds out.
        self.put(Variant {
            entry,
            valid_until: AtomicU64::new(since),
        });
        Commit::Stored
    }

    /// Puts a variant in place of the one that answers the same requests.
    ///
    /// Two fills of different variants may end at once, and one of them be lost: a miss, no more.
    fn put(&self, variant: Variant) {
        let inputs = variant.entry.key().shared_inputs();
        let new = variant.entry.clone();
        let mut variants = smallvec![variant];
        if let Some(slot) = self.slots.get(&*inputs) {
            let others = slot.0.iter().filter(|old| old.entry.vary() != new.vary());
            variants.extend(others.take(MAX_VARIANTS - 1).map(Variant::again));
        }
        self.slots.insert(inputs, Arc::new(Slot(variants)));
    }
}

impl Default for MemoryStore {
    /// Makes a store that holds up to 64 MiB.
    fn default() -> Self {
        Self::with_capacity(64 << 20)
    }
}

impl Store for MemoryStore {
    type Fill = MemoryFill;

    fn peek(&self, key: &CacheKey) -> Option<Found> {
        let slot = self.slots.get(key.inputs())?;
        let Variant { entry, valid_until } = slot.select(key)?;
        let since = valid_until.load(Ordering::Acquire);
        let outdated = match self.ledger.check(since, entry.tags()) {
            Validity::Valid(position) => {
                // Mostly there is nothing new, and a write takes the entry away from the other processors.
                if position > since {
                    valid_until.fetch_max(position, Ordering::AcqRel);
                }
                false
            }
            Validity::Outdated => true,
            Validity::Invalid => return None,
        };
        let entry = entry.clone();
        Some(Found { entry, outdated })
    }

    fn lookup(
        &self,
        key: &CacheKey,
        _: &[Tag],
    ) -> impl Future<Output = Result<Option<Found>, StoreError>> + Send {
        future::ready(Ok(self.peek(key)))
    }

    fn open(
        &self,
        opening: Opening<'_>,
    ) -> impl Future<Output = Result<Opened<MemoryFill>, StoreError>> + Send {
        let opened_at = self.ledger.head();
        let settled_at = if opening.replica_lag.is_zero() {
            opened_at
        } else {
            let settled = Instant::now().checked_sub(opening.replica_lag);
            self.recent.position_at(settled, || opened_at)
        };
        future::ready(Ok(Opened::Fill(MemoryFill {
            opened_at,
            settled_at,
        })))
    }

    fn is_current(
        &self,
        fill: &MemoryFill,
        tags: &[Tag],
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        let validity = self.ledger.check(fill.opened_at, tags);
        future::ready(Ok(matches!(validity, Validity::Valid(_))))
    }

    fn commit(
        &self,
        fill: &MemoryFill,
        entry: Entry,
    ) -> impl Future<Output = Result<Commit, StoreError>> + Send {
        let settled = fill.settled_at == fill.opened_at
            || matches!(
                self.ledger.check(fill.settled_at, entry.tags()),
                Validity::Valid(_)
            );
        future::ready(Ok(match settled {
            true => self.keep(Arc::new(entry), fill.opened_at),
            false => Commit::Unsettled,
        }))
    }

    fn invalidate(
        &self,
        tags: &[Tag],
        how: Invalidation,
    ) -> impl Future<Output = Result<Invalidated, StoreError>> + Send {
        self.recent.note(Instant::now(), || {
            self.ledger.invalidate(tags, how);
            self.ledger.head()
        });
        future::ready(Ok(Invalidated::Applied))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("entries", &self.slots.len())
            .field("evictions", &self.evictions())
            .field("weight", &self.slots.weight())
            .field("capacity", &self.slots.capacity())
            .finish()
    }
}

// === impl Evictions ===

impl Lifecycle<Bytes, Arc<Slot>> for Evictions {
    type RequestState = ();

    // Unlike the calls after it, this one is not made for what is replaced.
    fn before_evict(&self, (): &mut (), _: &Bytes, _: &mut Arc<Slot>) {
        self.count.fetch_add(1, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        self.meter.count();
    }
}

// === impl Slot ===

impl Slot {
    fn select(&self, key: &CacheKey) -> Option<&Variant> {
        self.0
            .iter()
            .find(|variant| key.selects(variant.entry.vary()))
    }
}

impl Variant {
    /// Returns the same variant for another slot.
    fn again(&self) -> Self {
        // What is known later is only known there: a lookup here finds it out again.
        let valid_until = self.valid_until.load(Ordering::Acquire);
        Self {
            entry: self.entry.clone(),
            valid_until: AtomicU64::new(valid_until),
        }
    }
}

// === impl BySlotWeight ===

impl Weighter<Bytes, Arc<Slot>> for BySlotWeight {
    fn weight(&self, _: &Bytes, slot: &Arc<Slot>) -> u64 {
        slot.0.iter().map(|variant| variant.entry.weight()).sum()
    }
}
