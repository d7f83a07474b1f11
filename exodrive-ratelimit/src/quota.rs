//! A rate as people say it: so many per period, so many at once.

use std::time::Duration;

use crate::gcra::Gcra;
use crate::mistake::RuleMistake;
use crate::time::{DAY, HOUR, MINUTE, SECOND};

/// How fast a client may go on and how much it may take at once.
///
/// A quota of `count` per `period` refills evenly, one token every `period / count`; `burst` is how many tokens a
/// client that has been quiet finds waiting.
/// The first period therefore admits up to `burst + count`, every later one `count` on average:
///
/// | quota | at once | first minute | each later minute |
/// |---|---|---|---|
/// | `Quota::per_minute(60)` | 60 | 120 | 60 |
/// | `Quota::per_minute(60).burst(10)` | 10 | 70 | 60 |
/// | `Quota::per_second(1).burst(1)` | 1 | 60 | 60 |
///
/// Where the promise must be "never more than 60 in any minute", use
/// [`Limit::sliding_window`](crate::Limit::sliding_window).
///
/// The numbers are checked when the limiter is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    count: u32,
    period: Duration,
    burst: u32,
}

impl Quota {
    /// `count` per second, `count` at once.
    pub const fn per_second(count: u32) -> Self {
        Self::per(count, SECOND)
    }

    /// `count` per minute, `count` at once.
    pub const fn per_minute(count: u32) -> Self {
        Self::per(count, MINUTE)
    }

    /// `count` per hour, `count` at once.
    pub const fn per_hour(count: u32) -> Self {
        Self::per(count, HOUR)
    }

    /// `count` per 24 hours, `count` at once.
    pub const fn per_day(count: u32) -> Self {
        Self::per(count, DAY)
    }

    /// `count` per `period`, `count` at once.
    pub const fn per(count: u32, period: Duration) -> Self {
        Self {
            count,
            period,
            burst: count,
        }
    }

    /// How many tokens can be taken at once. Defaults to the count.
    #[must_use]
    pub const fn burst(mut self, burst: u32) -> Self {
        self.burst = burst;
        self
    }

    /// The count, the period and the burst.
    pub(crate) const fn parts(self) -> (u32, Duration, u32) {
        (self.count, self.period, self.burst)
    }

    pub(crate) fn reduced(self) -> Result<Gcra, RuleMistake> {
        Gcra::new(self.count, self.period, self.burst)
    }
}
