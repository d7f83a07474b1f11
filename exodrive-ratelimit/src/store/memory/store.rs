//! The store itself: which lock, when, in which order.

use std::fmt;

use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;
use tokio::time::Instant;

use super::fingerprint::{Fingerprint, LimitKeys};
use super::shard::{Draft, Shard};
use crate::store::{Charge, Ledger, Settlement, Source, Store, StoreError, Verdict};
#[cfg(feature = "testing")]
use crate::testing::{ManualClock, TestClock};
use crate::time::micros;

const DEFAULT_MAX_KEYS: usize = 100_000;
const MAX_SHARDS: usize = 64;
const KEYS_WORTH_A_SHARD: usize = 1_024;

/// Each key could have a rule of its own, and cells have 22 bits to tell rules apart.
const MAX_KEYS_OF_A_SHARD: usize = 1 << 21;

/// Keeps usage in this process's memory.
///
/// It answers without waiting and never fails.
/// A check of subjects it knows allocates nothing for up to two limits, and checks of different subjects rarely meet at
/// the same lock.
///
/// It holds no more than a set number of keys, one for each limit and subject that has anything in use.
/// What no longer counts is removed as new keys come in; no task runs in the background.
/// When it is full all the same, subjects that it does not know share overflow buckets, some thousands for each limit:
/// they are limited together with the few strangers that happen to share theirs, and nobody who is known loses their
/// count.
///
/// Time is [`tokio::time::Instant`], which tests can pause.
pub struct MemoryStore {
    shards: Box<[Padded]>,
    clock: Clock,
    ledger: Ledger,
}

enum Clock {
    Running(Instant),
    #[cfg(feature = "testing")]
    Manual(ManualClock),
}

/// A shard on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Padded(Mutex<Shard>);

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_max_keys(DEFAULT_MAX_KEYS)
    }
}

impl MemoryStore {
    /// A store that holds at most about so many keys. The default store holds 100,000.
    ///
    /// The number is divided among the store's shards, and a shard can be full a few percent before all are.
    /// Overflow buckets come on top, at most 64 for each limit and shard.
    pub fn with_max_keys(max_keys: usize) -> Self {
        let shards = shards_for(max_keys);
        let capacity = (max_keys / shards).min(MAX_KEYS_OF_A_SHARD);
        Self {
            shards: (0..shards)
                .map(|_| Padded(Mutex::new(Shard::new(capacity))))
                .collect(),
            clock: Clock::Running(Instant::now()),
            ledger: Ledger::local(),
        }
    }

    /// Tells the time by a clock that tests move, forwards or back.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn clocked_by(mut self, clock: ManualClock) -> Self {
        self.clock = Clock::Manual(clock);
        self
    }

    /// How many keys are held at the moment, some of which may no longer count.
    pub fn key_count(&self) -> usize {
        self.shards.iter().map(|shard| shard.0.lock().len()).sum()
    }

    /// Microseconds of the store's clock.
    ///
    /// Read only while the shards concerned are locked, so that the time never goes back for a cell.
    fn now(&self) -> u64 {
        match &self.clock {
            Clock::Running(origin) => micros(origin.elapsed()),
            #[cfg(feature = "testing")]
            Clock::Manual(clock) => micros(clock.now()),
        }
    }

    fn shard_of(&self, key: Fingerprint) -> usize {
        // The upper half of the hash as a fraction of all shards.
        (((key.high >> 32) * self.shards.len() as u64) >> 32) as usize
    }

    #[inline]
    pub(crate) fn verdict(&self, charges: &[Charge<'_>]) -> Verdict {
        match charges {
            [charge] => self.decide_one(charge),
            charges => self.decide(charges),
        }
    }

    /// The most frequent case, in which there is nothing to keep in step.
    #[inline]
    fn decide_one(&self, charge: &Charge<'_>) -> Verdict {
        let key = charge.key();
        let mut shard = self.shards[self.shard_of(key)].0.lock();
        let now = self.now();
        let reading = shard.charge(key, charge, now);
        drop(shard);
        let admitted = charge.is_shadow() || reading.fits();
        Verdict::of_one(Source::MEMORY, admitted, reading)
    }

    fn decide(&self, charges: &[Charge<'_>]) -> Verdict {
        let keys: SmallVec<[Fingerprint; 4]> = charges.iter().map(Charge::key).collect();
        let mut locked = self.lock(&keys);
        let now = self.now();

        let mut drafts: SmallVec<[Draft; 4]> = charges
            .iter()
            .zip(&keys)
            .map(|(charge, &key)| locked.shard(self.shard_of(key)).draft(key, charge, now))
            .collect();
        let admitted = charges
            .iter()
            .zip(&drafts)
            .all(|(charge, draft)| charge.is_shadow() || draft.fits());

        let made: SmallVec<[bool; 4]> = drafts
            .iter()
            .map(|draft| admitted && draft.fits())
            .collect();
        // Cells that are there are written before any is inserted, since an insertion may move the others.
        for has_cell in [true, false] {
            for ((draft, &key), made) in drafts.iter_mut().zip(&keys).zip(&made) {
                if *made && draft.has_cell() == has_cell {
                    locked.shard(self.shard_of(key)).make(draft);
                }
            }
        }
        for (draft, &key) in drafts.iter().zip(&keys) {
            if draft.is_of_a_stranger() {
                locked.shard(self.shard_of(key)).sweep(now);
            }
        }
        drop(locked);

        let readings = drafts.iter().zip(&made);
        Verdict::new(
            Source::MEMORY,
            admitted,
            readings.map(|(draft, made)| draft.reading(*made)),
        )
    }

    pub(crate) fn correct(&self, settlement: &Settlement) {
        let (limit, subject) = (settlement.limit(), settlement.subject());
        let key = LimitKeys::of(limit).key(subject);
        let mut shard = self.shards[self.shard_of(key)].0.lock();
        let now = self.now();
        if settlement.refund() > 0 {
            shard.refund(key, settlement, now);
        }
        if settlement.extra() > 0 {
            let rule = settlement.rule();
            let charge = Charge::new(limit, subject, &rule, settlement.extra(), false);
            let mut draft = shard.draft(key, &charge, now);
            shard.make(&mut draft);
        }
    }

    pub(crate) fn forget(&self, charge: &Charge<'_>) {
        let key = charge.key();
        let mut shard = self.shards[self.shard_of(key)].0.lock();
        shard.forget(key, charge.rule());
    }

    /// Locks the shards of all keys, in the order of the shards, so that two checks never wait for each other.
    fn lock(&self, keys: &[Fingerprint]) -> Locked<'_> {
        let mut shards: SmallVec<[usize; 4]> = keys.iter().map(|&key| self.shard_of(key)).collect();
        shards.sort_unstable();
        shards.dedup();
        Locked {
            shards: shards
                .into_iter()
                .map(|shard| (shard, self.shards[shard].0.lock()))
                .collect(),
        }
    }
}

/// Into how many shards so many keys are divided: of the numbers that keep callers out of each other's way, the one
/// whose tables are fullest when the store is full. Tables come in powers of two, so a number chosen without care can
/// leave half of each table empty.
fn shards_for(max_keys: usize) -> usize {
    let most = (max_keys / KEYS_WORTH_A_SHARD).clamp(1, MAX_SHARDS);
    let places = |shards: &usize| {
        let keys = max_keys / shards;
        // A table is at most seven eighths full. The rest is for shards that get more than others and for overflow.
        shards
            * (keys + keys / 16)
                .saturating_mul(8)
                .div_ceil(7)
                .next_power_of_two()
    };
    (most.div_ceil(2)..=most).min_by_key(places).unwrap_or(most)
}

/// The shards of one check, locked.
struct Locked<'a> {
    shards: SmallVec<[(usize, MutexGuard<'a, Shard>); 4]>,
}

impl Locked<'_> {
    fn shard(&mut self, wanted: usize) -> &mut Shard {
        let at = self
            .shards
            .iter()
            .position(|(shard, _)| *shard == wanted)
            .unwrap_or_default();
        &mut self.shards[at].1
    }
}

impl Store for MemoryStore {
    async fn check(&self, charges: &[Charge<'_>]) -> Result<Verdict, StoreError> {
        Ok(self.verdict(charges))
    }

    #[inline]
    fn check_now(&self, charges: &[Charge<'_>]) -> Option<Verdict> {
        Some(self.verdict(charges))
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<(), StoreError> {
        for settlement in &settlements {
            self.correct(settlement);
        }
        Ok(())
    }

    async fn reset(&self, charges: &[Charge<'_>]) -> Result<(), StoreError> {
        for charge in charges {
            self.forget(charge);
        }
        Ok(())
    }

    fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("key_count", &self.key_count())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_store_leaves_little_of_its_tables_empty() {
        for max_keys in [100_000, 123_456, 500_000, 1_000_000, 5_000_000] {
            let shards = shards_for(max_keys);
            assert!((32..=64).contains(&shards), "{max_keys}: {shards}");
            let keys = max_keys / shards;
            let places = (keys * 8).div_ceil(7).next_power_of_two();
            assert!(keys * 4 > places * 3, "{max_keys}: {keys} of {places}");
        }
    }

    #[test]
    fn a_small_store_has_few_shards() {
        assert_eq!([0, 1, 2_000].map(shards_for), [1, 1, 1]);
    }
}
