//! Refusals that are certain to be repeated, so that the store need not be asked again.
//!
//! Once a charge has been refused until some time, one of at least the same cost is refused until then: nothing but a
//! correction makes room earlier. One that is made here ends what is repeated here. What is kept is bounded, and
//! forgetting costs no more than asking once more.

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
    sets: Box<[Mutex<Set>]>,
}

#[derive(Default)]
struct Set {
    places: [Option<Entry>; WAYS],
    /// What was asked before that may have been answered before the correction for which something was forgotten.
    kept_from: u64,
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
            sets: (0..SETS).map(|_| Mutex::default()).collect(),
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
            let entry = Entry {
                key: planned.key(&claim.subject),
                cost: claim.cost,
                remaining: reading.remaining(),
                repeated_until: after(wait.min(longest)),
                fits_at: after(wait),
                at_rest_at: after(reading.reset_after()),
            };
            self.keep(entry, asked_at);
        }
    }

    /// Forgets everything, since something has changed that refusals depend on.
    pub(super) fn forget_all(&self) {
        let kept_from = self.now() + 1;
        for set in &self.sets {
            let places = [None; WAYS];
            *set.lock() = Set { places, kept_from };
        }
    }

    /// Forgets one refusal, since a correction may have made room.
    pub(super) fn forget(&self, key: Fingerprint) {
        let mut set = self.set(key).lock();
        set.kept_from = self.now() + 1;
        for place in &mut set.places {
            place.take_if(|entry| entry.key == key);
        }
    }

    fn entry(&self, key: Fingerprint, now: u64) -> Option<Entry> {
        let set = self.set(key).lock();
        let found = set.places.iter().flatten().find(|entry| entry.key == key);
        found.filter(|entry| entry.repeated_until > now).copied()
    }

    /// In the place of an older entry of the key, of none, or of the one that is over first.
    fn keep(&self, entry: Entry, asked_at: u64) {
        let mut set = self.set(entry.key).lock();
        if asked_at < set.kept_from {
            return;
        }
        let worth = |place: &Option<Entry>| match place {
            Some(other) if other.key == entry.key => 0,
            Some(other) => other.repeated_until + 2,
            None => 1,
        };
        if let Some(place) = set.places.iter_mut().min_by_key(|place| worth(place)) {
            *place = Some(entry);
        }
    }

    fn set(&self, key: Fingerprint) -> &Mutex<Set> {
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

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn keeps_no_refusal_that_may_be_older_than_what_made_it_forget() {
        let denied = Denied::default();
        let key = Fingerprint { high: 1, low: 2 };
        let entry = Entry {
            key,
            cost: 1,
            remaining: 0,
            repeated_until: 1_000,
            fits_at: 1_000,
            at_rest_at: 1_000,
        };
        let forgets: [fn(&Denied, Fingerprint); 2] =
            [Denied::forget, |denied, _| denied.forget_all()];
        for forget in forgets {
            let asked_at = denied.now();
            denied.keep(entry, asked_at);
            assert!(denied.entry(key, asked_at).is_some());
            forget(&denied, key);
            denied.keep(entry, asked_at);
            assert!(denied.entry(key, asked_at).is_none());
            advance(Duration::from_micros(1)).await;
        }
    }
}
