//! What a recorder of metrics is told. Labels are policies and outcomes, never keys.

use std::time::Duration;

use metrics::{Counter, Histogram, Unit, counter, histogram};

use crate::decision::Outcome;
use crate::store::{Invalidated, Invalidation};

const REQUESTS: &str = "exodrive_cache_requests_total";
const FILL_SECONDS: &str = "exodrive_cache_fill_seconds";
const STORED_BYTES: &str = "exodrive_cache_stored_bytes_total";
const COMPARED: &str = "exodrive_cache_compared_total";
const INVALIDATIONS: &str = "exodrive_cache_invalidations_total";
#[cfg(feature = "objects")]
const UNREADABLE: &str = "exodrive_cache_unreadable_total";
#[cfg(feature = "redis")]
const JOURNAL_LAG: &str = "exodrive_cache_journal_lag_seconds";
const EVICTIONS: &str = "exodrive_cache_evictions_total";

/// The instruments of one policy, looked up once.
pub(crate) struct Meters {
    requests: [Counter; OUTCOMES.len()],
    fill_seconds: Histogram,
    stored_bytes: Counter,
    same: Counter,
    different: Counter,
}

/// The instrument of a store in memory.
#[derive(Clone)]
pub(crate) struct EvictionMeter(Counter);

/// The instrument of what cannot be read under one policy.
#[cfg(feature = "objects")]
pub(crate) struct UnreadableMeter(Counter);

/// The instrument of a memory that follows a journal.
#[cfg(feature = "redis")]
pub(crate) struct LagMeter(Histogram);

/// How a request ended, by its label.
const OUTCOMES: [&str; 8] = [
    "hit",
    "stale",
    "revalidated",
    "coalesced",
    "miss",
    "unanswered",
    "bypass",
    "off",
];

impl Meters {
    pub(crate) fn new(policy: &str) -> Self {
        metrics::describe_counter!(REQUESTS, "Requests by policy and outcome");
        metrics::describe_histogram!(FILL_SECONDS, Unit::Seconds, "Time until handlers answered");
        metrics::describe_counter!(STORED_BYTES, Unit::Bytes, "Bytes of the bodies stored");
        metrics::describe_counter!(
            COMPARED,
            "Answers compared with what would have been served"
        );
        metrics::describe_counter!(INVALIDATIONS, "Invalidations by kind and result");
        let policy = policy.to_owned();
        let compared = |result: &'static str| counter!(COMPARED, "policy" => policy.clone(), "result" => result);
        Self {
            requests: OUTCOMES.map(
                |outcome| counter!(REQUESTS, "policy" => policy.clone(), "outcome" => outcome),
            ),
            fill_seconds: histogram!(FILL_SECONDS, "policy" => policy.clone()),
            stored_bytes: counter!(STORED_BYTES, "policy" => policy.clone()),
            same: compared("same"),
            different: compared("different"),
        }
    }

    /// Takes note of how a request ended; `None` if the policy was not in force for it.
    pub(crate) fn ended(&self, outcome: Option<Outcome>) {
        let outcome = match outcome {
            Some(Outcome::Hit { .. }) => 0,
            Some(Outcome::Stale { .. }) => 1,
            Some(Outcome::Revalidated) => 2,
            Some(Outcome::Coalesced) => 3,
            Some(Outcome::Miss { .. }) => 4,
            Some(Outcome::Unanswered(_)) => 5,
            Some(Outcome::Bypass(_)) => 6,
            None => 7,
        };
        self.requests[outcome].increment(1);
    }

    pub(crate) fn filled(&self, time: Duration) {
        self.fill_seconds.record(time);
    }

    pub(crate) fn stored(&self, bytes: usize) {
        self.stored_bytes.increment(bytes as u64);
    }

    pub(crate) fn compared(&self, is_same: bool) {
        let count = if is_same { &self.same } else { &self.different };
        count.increment(1);
    }
}

#[cfg(feature = "objects")]
impl UnreadableMeter {
    pub(crate) fn new(policy: &str) -> Self {
        metrics::describe_counter!(UNREADABLE, "Objects found that could not be read");
        Self(counter!(UNREADABLE, "policy" => policy.to_owned()))
    }

    pub(crate) fn count(&self) {
        self.0.increment(1);
    }
}

impl EvictionMeter {
    pub(crate) fn count(&self) {
        self.0.increment(1);
    }
}

impl Default for EvictionMeter {
    fn default() -> Self {
        metrics::describe_counter!(EVICTIONS, "Keys that made room in memory");
        Self(counter!(EVICTIONS))
    }
}

#[cfg(feature = "redis")]
impl LagMeter {
    pub(crate) fn note(&self, lag: Duration) {
        self.0.record(lag);
    }
}

#[cfg(feature = "redis")]
impl Default for LagMeter {
    fn default() -> Self {
        metrics::describe_histogram!(
            JOURNAL_LAG,
            Unit::Seconds,
            "Time until an invalidation is read in the journal"
        );
        Self(histogram!(JOURNAL_LAG))
    }
}

/// Takes note of an invalidation and of what the store made of it.
pub(crate) fn invalidated(how: Invalidation, result: Option<Invalidated>) {
    let how = match how {
        Invalidation::Hard => "hard",
        Invalidation::Soft => "soft",
    };
    let result = match result {
        Some(Invalidated::Applied) => "applied",
        Some(Invalidated::Deferred) => "deferred",
        None => "failed",
    };
    counter!(INVALIDATIONS, "how" => how, "result" => result).increment(1);
}
