//! What came of the requests.

use std::time::Duration;

use hdrhistogram::{CreationError, Histogram};

use crate::kind::Kind;

/// How many of the wrong answers are shown in full.
const SHOWN: usize = 10;

/// What came of every request since the warm-up; of wrong answers, since the start.
#[derive(Debug)]
pub(crate) struct Tally {
    by_kind: Vec<OfKind>,
    /// How much later than they were due requests were begun, in microseconds.
    pub(crate) lag: Histogram<u64>,
    /// Answers with a status of 500 or more.
    pub(crate) failures: u64,
    pub(crate) wrong: u64,
    /// Writes that were left out since the start, as every car waited for an answer.
    pub(crate) left_out: u64,
    pub(crate) shown: Vec<String>,
}

/// What came of the requests of one kind; times in microseconds.
#[derive(Clone, Debug)]
pub(crate) struct OfKind {
    pub(crate) hits: u64,
    pub(crate) refused: u64,
    /// Until the end of the answer, from when the request was due.
    pub(crate) since_due: Histogram<u64>,
    /// The same from when it was sent.
    pub(crate) since_sent: Histogram<u64>,
}

/// How long a request took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) lag: Duration,
    pub(crate) since_due: Duration,
    pub(crate) since_sent: Duration,
}

impl Tally {
    /// # Errors
    ///
    /// Never; the precision is one that histograms have.
    pub(crate) fn new() -> Result<Self, CreationError> {
        Ok(Self {
            by_kind: Kind::ALL
                .iter()
                .map(|_| OfKind::new())
                .collect::<Result<_, _>>()?,
            lag: Histogram::new(3)?,
            failures: 0,
            wrong: 0,
            left_out: 0,
            shown: Vec::new(),
        })
    }

    pub(crate) fn record(&mut self, kind: Kind, times: Times, hit: bool, refused: bool) {
        self.lag += micros(times.lag);
        let of_kind = &mut self.by_kind[kind as usize];
        of_kind.hits += u64::from(hit);
        of_kind.refused += u64::from(refused);
        of_kind.since_due += micros(times.since_due);
        of_kind.since_sent += micros(times.since_sent);
    }

    pub(crate) fn record_wrong(&mut self, what: String) {
        self.wrong += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(what);
        }
    }

    pub(crate) fn of(&self, kind: Kind) -> &OfKind {
        &self.by_kind[kind as usize]
    }

    /// All kinds whose answers are kept, together.
    ///
    /// # Errors
    ///
    /// Never; the histograms have one precision.
    pub(crate) fn cached(&self) -> Result<OfKind, CreationError> {
        let mut all = OfKind::new()?;
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_cached()) {
            let of_kind = self.of(kind);
            all.hits += of_kind.hits;
            all.refused += of_kind.refused;
            all.since_due += &of_kind.since_due;
            all.since_sent += &of_kind.since_sent;
        }
        Ok(all)
    }
}

impl OfKind {
    fn new() -> Result<Self, CreationError> {
        Ok(Self {
            hits: 0,
            refused: 0,
            since_due: Histogram::new(3)?,
            since_sent: Histogram::new(3)?,
        })
    }

    pub(crate) fn hit_rate(&self) -> f64 {
        self.hits as f64 / self.since_due.len().max(1) as f64
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
