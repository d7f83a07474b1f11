//! Time as the tests move it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// A clock that stands still until it is moved. Clones are the same clock.
///
/// Given to [`CacheBuilder::clock`](crate::CacheBuilder::clock), it says how old entries are. Tests whose
/// runtime is paused need none: without one, the cache follows tokio's clock.
#[derive(Clone, Debug)]
pub struct ManualClock {
    started: SystemTime,
    /// Microseconds since then.
    passed: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that stands still at `now`.
    #[must_use]
    pub fn at(now: SystemTime) -> Self {
        Self {
            started: now,
            passed: Arc::default(),
        }
    }

    /// Moves the clock on, by whole microseconds.
    pub fn advance(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.passed.fetch_add(micros, Ordering::Relaxed);
    }

    /// Returns what the clock says.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.started + Duration::from_micros(self.passed.load(Ordering::Relaxed))
    }
}

impl Default for ManualClock {
    /// A clock that stands still at the present time.
    fn default() -> Self {
        Self::at(SystemTime::now())
    }
}
