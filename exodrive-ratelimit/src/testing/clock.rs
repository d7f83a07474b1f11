//! Time as the tests move it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::time::micros;

/// The clock of the store under test.
pub trait TestClock {
    /// What the store's clock says, as time since its zero.
    fn now(&self) -> Duration;

    /// Moves the store's clock on.
    fn advance(&self, by: Duration) -> impl Future<Output = ()>;
}

/// A clock that stands still until it is moved, in whole microseconds. Clones are the same clock.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Sets the time, as time since the clock's zero; it may go back.
    pub fn set(&self, now: Duration) {
        self.0.store(micros(now), Ordering::Relaxed);
    }
}

impl TestClock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }

    async fn advance(&self, by: Duration) {
        self.set(self.now().saturating_add(by));
    }
}
