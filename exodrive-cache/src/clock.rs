//! The clock of the shell; the pure modules take `now` as an argument.

use std::time::SystemTime;

use tokio::time::Instant;

/// Wall-clock time that never steps back, and that a test can pause with tokio's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: SystemTime,
    origin: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            started: SystemTime::now(),
            origin: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.started + self.origin.elapsed()
    }
}
