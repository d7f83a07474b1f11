//! The clock of the shell; the pure modules take `now` as an argument.

use std::time::SystemTime;

use tokio::time::Instant;

#[cfg(feature = "testing")]
use crate::testing::ManualClock;

/// Wall-clock time that never steps back.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    /// The time when it was started, and what has passed since by tokio's clock, which a test can pause.
    Running {
        started: SystemTime,
        origin: Instant,
    },
    /// As a test moves it.
    #[cfg(feature = "testing")]
    Manual(ManualClock),
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self::Running {
            started: SystemTime::now(),
            origin: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        match self {
            Self::Running { started, origin } => *started + origin.elapsed(),
            #[cfg(feature = "testing")]
            Self::Manual(clock) => clock.now(),
        }
    }
}
