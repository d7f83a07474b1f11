//! Entries in this process's memory.

use std::fmt;
use std::future::{self, Future};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
    /// By a hash of the key's inputs. Those are compared in the entry, which a hit goes to in any case; the digest of
    /// a key costs more than the rest of a hit.
    slots: Map<u64, Slot, BySlotWeight, DefaultHashBuilder, Evictions>,
    hasher: DefaultHashBuilder,
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
#[derive(Clone)]
struct Slot(SmallVec<[Arc<Entry>; 1]>);

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
            hasher: DefaultHashBuilder::default(),
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
    pub(super) fn keep(&self, entry: &Arc<Entry>, since: Position) -> Commit {
        if self.ledger.check(since, entry.tags()) == Validity::Invalid {
            return Commit::Overtaken;
        }
        if entry.weight() > self.slots.shard_capacity() {
            return Commit::TooLarge;
        }
        // An invalidation may happen right here. The entry keeps the position, so the next lookup
        // finds out.
        entry.known_until().fetch_max(since, Ordering::AcqRel);
        self.put(self.place(entry.key()), entry);
        Commit::Stored
    }

    /// Returns where the entries of a key are, and those of hardly ever another.
    fn place(&self, key: &CacheKey) -> u64 {
        self.hasher.hash_one(key.inputs())
    }

    /// Puts an entry in place of the one that answers the same requests, and of those of other keys.
    ///
    /// Two fills of different variants may end at once, and one of them be lost: a miss, no more.
    fn put(&self, place: u64, entry: &Arc<Entry>) {
        let mut variants = smallvec![Arc::clone(entry)];
        if let Some(slot) = self.slots.get(&place) {
            let others = slot
                .0
                .into_iter()
                .filter(|old| old.key() == entry.key() && old.vary() != entry.vary());
            variants.extend(others.take(MAX_VARIANTS - 1));
        }
        self.slots.insert(place, Slot(variants));
    }

    fn at(&self, place: u64, key: &CacheKey) -> Option<Found> {
        let slot = self.slots.get(&place)?;
        let entry = slot.select(key)?;
        let known_until = entry.known_until();
        let since = known_until.load(Ordering::Acquire);
        let outdated = match self.ledger.check(since, entry.tags()) {
            Validity::Valid(position) => {
                // Mostly there is nothing new, and a write takes the entry away from the other processors.
                if position > since {
                    known_until.fetch_max(position, Ordering::AcqRel);
                }
                false
            }
            Validity::Outdated => true,
            Validity::Invalid => return None,
        };
        Some(Found { entry, outdated })
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
        self.at(self.place(key), key)
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
            true => self.keep(&Arc::new(entry), fill.opened_at),
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

impl Lifecycle<u64, Slot> for Evictions {
    type RequestState = ();

    // Unlike the calls after it, this one is not made for what is replaced.
    fn before_evict(&self, (): &mut (), _: &u64, _: &mut Slot) {
        self.count.fetch_add(1, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        self.meter.count();
    }
}

// === impl Slot ===

impl Slot {
    fn select(self, key: &CacheKey) -> Option<Arc<Entry>> {
        self.0
            .into_iter()
            .find(|entry| entry.key() == key && key.selects(entry.vary()))
    }
}

// === impl BySlotWeight ===

impl Weighter<u64, Slot> for BySlotWeight {
    fn weight(&self, _: &u64, slot: &Slot) -> u64 {
        slot.0.iter().map(|entry| entry.weight()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::entry::Head;
    use crate::freshness::Freshness;
    use crate::policy::CachePolicy;
    use crate::vary::Vary;

    fn entry(key: &CacheKey) -> Arc<Entry> {
        let policy = CachePolicy::ttl(Duration::from_secs(60));
        let head = Head {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            vary: Vary::default(),
            answered_at: SystemTime::UNIX_EPOCH,
            fill_time: Duration::ZERO,
            freshness: Freshness::fixed(Duration::from_secs(60), Duration::ZERO, Duration::ZERO),
        };
        let entry = Entry::new(&policy, key, &head, [].into(), Bytes::new());
        Arc::new(entry)
    }

    /// No two keys with one hash are known; this is what would become of them.
    #[test]
    fn keys_in_one_place_never_answer_for_each_other() {
        let store = MemoryStore::default();
        let [one, two] = [b"one", b"two"].map(|inputs| CacheKey::of_inputs(inputs));
        store.put(7, &entry(&one));
        assert!(store.at(7, &one).is_some());
        assert!(store.at(7, &two).is_none());
        store.put(7, &entry(&two));
        assert!(store.at(7, &one).is_none());
        assert_eq!(*store.at(7, &two).unwrap().entry.key(), two);
    }
}
