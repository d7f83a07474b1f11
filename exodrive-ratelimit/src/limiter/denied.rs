//! Refusals that are certain to be repeated, so that the store need not be asked again.
//!
//! Once a charge has been refused until some time, one of at least the same cost is refused until then: nothing but a
//! correction makes room earlier. What is kept is bounded, and forgetting costs no more than asking once more.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::claim::Claims;
use super::plan::Plan;
use crate::store::{Fingerprint, Reading, Source, Verdict};
use crate::time::micros;

const SETS: usize = 1_024;
const WAYS: usize = 4;

/// For how long a refusal is repeated at most: whoever empties the store by hand waits no longer to see it.
const LONGEST: Duration = Duration::from_secs(5);

/// The same where a correction may make room earlier.
const LONGEST_IF_CORRECTED: Duration = Duration::from_millis(100);

/// A table of fixed size with a few places for each key.
pub(super) struct Denied {
    origin: Instant,
    sets: Box<[Mutex<[Option<Entry>; WAYS]>]>,
}

/// A refusal; times are microseconds since the table was made.
#[derive(Clone, Copy)]
struct Entry {
    key: Fingerprint,
    cost: u32,
    remaining: u32,
    repeated_until: u64,
    fits_at: u64,
    at_rest_at: u64,
}

impl Default for Denied {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
            sets: (0..SETS).map(|_| Mutex::new([None; WAYS])).collect(),
        }
    }
}

impl Denied {
    pub(super) fn now(&self) -> u64 {
        micros(self.origin.elapsed())
    }

    /// The refusal that some of the claims are certain to meet; those that are not are dropped from them.
    pub(super) fn repeat(&self, plan: &Plan, claims: &mut Claims) -> Option<Verdict> {
        let now = self.now();
        let entries = claims.iter().map(|claim| {
            let planned = plan.planned(claim.limit);
            let key = planned.key(&claim.subject);
            let entry = self.entry(key, now)?;
            (claim.cost >= entry.cost && !claim.shadow).then_some(entry)
        });
        let entries: Vec<Option<Entry>> = entries.collect();
        if entries.iter().all(Option::is_none) {
            return None;
        }
        let mut refused = entries.iter().map(Option::is_some);
        claims.retain(|_| refused.next().unwrap_or_default());
        let readings = entries.iter().flatten().map(|entry| entry.reading(now));
        Some(Verdict::new(Source::DENY_CACHE, false, readings))
    }

    /// Keeps what the store has refused. It was asked at `asked_at`, and its waits count from no earlier.
    pub(super) fn note(
        &self,
        plan: &Plan,
        claims: &Claims,
        verdict: &Verdict,
        asked_at: u64,
        corrected: bool,
    ) {
        for (claim, reading) in claims.iter().zip(verdict.readings()) {
            let planned = plan.planned(claim.limit);
            let Some(wait) = reading.retry_after() else {
                continue;
            };
            if reading.fits() || claim.shadow {
                continue;
            }
            let longest = if corrected || planned.settles() {
                LONGEST_IF_CORRECTED
            } else {
                LONGEST
            };
            let after = |wait: Duration| asked_at.saturating_add(micros(wait));
            self.keep(Entry {
                key: planned.key(&claim.subject),
                cost: claim.cost,
                remaining: reading.remaining(),
                repeated_until: after(wait.min(longest)),
                fits_at: after(wait),
                at_rest_at: after(reading.reset_after()),
            });
        }
    }

    /// Forgets everything, since something has changed that refusals depend on.
    pub(super) fn forget_all(&self) {
        for set in &self.sets {
            *set.lock() = [None; WAYS];
        }
    }

    fn entry(&self, key: Fingerprint, now: u64) -> Option<Entry> {
        let set = self.set(key).lock();
        let found = set.iter().flatten().find(|entry| entry.key == key);
        found.filter(|entry| entry.repeated_until > now).copied()
    }

    /// In the place of an older entry of the key, of none, or of the one that is over first.
    fn keep(&self, entry: Entry) {
        let mut set = self.set(entry.key).lock();
        let worth = |place: &Option<Entry>| match place {
            Some(other) if other.key == entry.key => 0,
            Some(other) => other.repeated_until + 2,
            None => 1,
        };
        if let Some(place) = set.iter_mut().min_by_key(|place| worth(place)) {
            *place = Some(entry);
        }
    }

    fn set(&self, key: Fingerprint) -> &Mutex<[Option<Entry>; WAYS]> {
        &self.sets[key.high as usize % SETS]
    }
}

impl Entry {
    fn reading(&self, now: u64) -> Reading {
        let until = |time: u64| Duration::from_micros(time.saturating_sub(now));
        Reading::uncharged(
            self.remaining,
            Some(until(self.fits_at)),
            until(self.at_rest_at),
        )
    }
}

impl fmt::Debug for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Denied").finish_non_exhaustive()
    }
}
