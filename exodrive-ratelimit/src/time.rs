//! Lengths of time, in the units that limits are written in and in the microseconds that stores count in.

use std::time::Duration;

use crate::mistake::RuleMistake;

/// One second.
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Sixty seconds.
pub const MINUTE: Duration = Duration::from_secs(60);

/// Sixty minutes.
pub const HOUR: Duration = Duration::from_secs(60 * 60);

/// Twenty-four hours.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The largest integer up to which a double holds every integer.
///
/// Every number a rule computes with stays at or below it, so that a store whose arithmetic is in doubles decides
/// exactly what one with 64-bit integers decides.
pub(crate) const EXACT: u64 = (1 << 53) - 1;

const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A period in whole microseconds, if it is one that a rule can be about.
pub(crate) fn period_in_micros(period: Duration) -> Result<u64, RuleMistake> {
    if (SHORTEST..=LONGEST).contains(&period) {
        Ok(micros(period))
    } else {
        Err(RuleMistake::Period(period))
    }
}

/// A length in whole microseconds, rounded down.
pub(crate) fn micros(length: Duration) -> u64 {
    let seconds = length.as_secs().saturating_mul(1_000_000);
    seconds.saturating_add(length.subsec_micros().into())
}

/// A length in whole seconds, rounded up.
pub(crate) fn whole_seconds(length: Duration) -> u64 {
    length
        .as_secs()
        .saturating_add(u64::from(length.subsec_nanos() > 0))
}

/// A length of time in half the bytes of an optional [`Duration`]: whole microseconds, or for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wait(u64);

impl Wait {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const FOR_EVER: Self = Self(u64::MAX);

    pub(crate) const fn of_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The length, unless it has no end.
    pub(crate) fn length(self) -> Option<Duration> {
        (self != Self::FOR_EVER).then_some(Duration::from_micros(self.0))
    }
}

impl From<Duration> for Wait {
    fn from(length: Duration) -> Self {
        Self(micros(length))
    }
}
