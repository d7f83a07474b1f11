//! How long it takes until a record of the journal is read.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[cfg(feature = "metrics")]
use crate::meters::LagMeter;

/// What was measured last.
pub(super) struct Lag {
    micros: AtomicU64,
    #[cfg(feature = "metrics")]
    meter: LagMeter,
}

/// No number of microseconds.
const NONE: u64 = u64::MAX;

impl Lag {
    pub(super) fn note(&self, lag: Duration) {
        let micros = u64::try_from(lag.as_micros()).unwrap_or(NONE);
        self.micros.store(micros, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        self.meter.note(lag);
    }

    pub(super) fn last(&self) -> Option<Duration> {
        let micros = self.micros.load(Ordering::Relaxed);
        (micros != NONE).then(|| Duration::from_micros(micros))
    }
}

impl Default for Lag {
    fn default() -> Self {
        Self {
            micros: AtomicU64::new(NONE),
            #[cfg(feature = "metrics")]
            meter: LagMeter::default(),
        }
    }
}

impl fmt::Debug for Lag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lag").field(&self.last()).finish()
    }
}
