//! Whose time counts.

#[cfg(feature = "testing")]
use crate::testing::{ManualClock, TestClock};
#[cfg(feature = "testing")]
use crate::time::micros;

#[derive(Clone, Debug)]
pub(super) enum Clock {
    Server,
    #[cfg(feature = "testing")]
    Manual(ManualClock),
}

impl Clock {
    /// The time that scripts are told, in microseconds: empty for the server's own.
    pub(super) fn now(&self) -> String {
        self.manual().map_or(String::new(), |now| now.to_string())
    }

    /// The time in microseconds, if it is not the server's.
    pub(super) fn manual(&self) -> Option<u64> {
        match self {
            Self::Server => None,
            #[cfg(feature = "testing")]
            Self::Manual(clock) => Some(micros(clock.now())),
        }
    }
}
