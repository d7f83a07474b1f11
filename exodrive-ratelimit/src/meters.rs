//! What a recorder of metrics is told.

use std::time::Duration;

use metrics::{Counter, Histogram, Unit};

use crate::decision::Outcome;
use crate::reading::Reading;
use crate::store::Source;

const DECISIONS: &str = "exodrive_ratelimit_decisions_total";
const LISTED: &str = "exodrive_ratelimit_listed_total";
const UNDECIDED: &str = "exodrive_ratelimit_undecided_total";
const STORE_SECONDS: &str = "exodrive_ratelimit_store_seconds";
const STORE_FAILURES: &str = "exodrive_ratelimit_store_failures_total";
const BANS: &str = "exodrive_ratelimit_bans_total";
const OVERFLOW: &str = "exodrive_ratelimit_overflow_total";

/// The instruments of one limiter, looked up once. None has a label that tells subjects apart.
pub(crate) struct Meters {
    limits: Vec<LimitMeters>,
    seconds: Histogram,
    failures: Counter,
    bans: Counter,
}

struct LimitMeters {
    name: String,
    /// By source, then by what came of it.
    known: [[Counter; RESULTS.len()]; SOURCES.len()],
}

/// The sources of this crate; those of other stores are looked up each time.
const SOURCES: [Source; 5] = [
    Source::MEMORY,
    Source::REDIS,
    Source::DENY_CACHE,
    Source::LEASE,
    Source::FALLBACK,
];

const RESULTS: [&str; 3] = ["admitted", "refused", "shadow_refused"];

impl Meters {
    pub(crate) fn new<'a>(limits: impl Iterator<Item = &'a str>) -> Self {
        metrics::describe_counter!(DECISIONS, "Claims of requests by limit, outcome and source");
        metrics::describe_counter!(LISTED, "Requests that a list decided, by outcome");
        metrics::describe_counter!(UNDECIDED, "Requests decided by policy alone, by outcome");
        metrics::describe_histogram!(
            STORE_SECONDS,
            Unit::Seconds,
            "Time of checks that were waited for"
        );
        metrics::describe_counter!(STORE_FAILURES, "Checks that the store could not answer");
        metrics::describe_counter!(BANS, "Bans by penalties and operators of this instance");
        metrics::describe_counter!(
            OVERFLOW,
            "Checks of strangers that a full memory store counted together"
        );
        Self {
            limits: limits.map(LimitMeters::new).collect(),
            seconds: metrics::histogram!(STORE_SECONDS),
            failures: metrics::counter!(STORE_FAILURES),
            bans: metrics::counter!(BANS),
        }
    }

    /// Takes note of what came of one claim.
    pub(crate) fn decided(&self, limit: usize, shadow: bool, reading: &Reading, source: Source) {
        let result = match (reading.fits(), shadow) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        self.limits[limit].counter(source, result).increment(1);
    }

    /// Takes note of a check that was waited for.
    pub(crate) fn answered(&self, after: Duration, ok: bool) {
        self.seconds.record(after);
        if !ok {
            self.failures.increment(1);
        }
    }

    pub(crate) fn banned(&self) {
        self.bans.increment(1);
    }
}

/// Takes note of a request that was on a list.
pub(crate) fn listed(outcome: Outcome) {
    metrics::counter!(LISTED, "outcome" => outcome.as_str()).increment(1);
}

/// Takes note of a request that the limits' own policy decided.
pub(crate) fn undecided(outcome: Outcome) {
    metrics::counter!(UNDECIDED, "outcome" => outcome.as_str()).increment(1);
}

/// Takes note of a stranger who has no cell of their own.
pub(crate) fn overflowed() {
    metrics::counter!(OVERFLOW).increment(1);
}

impl LimitMeters {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            known: SOURCES.map(|source| RESULTS.map(|result| counter(name, source, result))),
        }
    }

    fn counter(&self, source: Source, result: usize) -> Counter {
        match SOURCES.iter().position(|known| *known == source) {
            Some(known) => self.known[known][result].clone(),
            None => counter(&self.name, source, RESULTS[result]),
        }
    }
}

fn counter(limit: &str, source: Source, outcome: &'static str) -> Counter {
    let source = source.as_str();
    metrics::counter!(DECISIONS, "limit" => limit.to_owned(), "outcome" => outcome, "source" => source)
}
