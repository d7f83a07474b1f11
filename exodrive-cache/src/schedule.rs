//! For how long what is made is of use, and how long and how often it may be in the making.

use std::time::Duration;

use crate::chance::Chance;
use crate::early_refresh::EarlyRefresh;
use crate::error::Mistake;
use crate::freshness::Freshness;
use crate::percent::Percent;

/// What policies for responses and for objects have in common.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) ttl: Duration,
    pub(crate) jitter: Percent,
    pub(crate) early_refresh: f64,
    pub(crate) stale_while_revalidate: Duration,
    pub(crate) stale_if_error: Duration,
    pub(crate) max_calls: Option<usize>,
    pub(crate) max_refreshes: usize,
    pub(crate) soft_timeout: Option<Duration>,
    pub(crate) timeout: Duration,
    pub(crate) replica_lag: Duration,
}

impl Schedule {
    pub(crate) fn ttl(ttl: Duration) -> Self {
        Self {
            ttl,
            jitter: Percent::new(10),
            early_refresh: 1.0,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            max_calls: None,
            max_refreshes: 16,
            soft_timeout: None,
            timeout: Duration::from_secs(30),
            replica_lag: Duration::ZERO,
        }
    }

    /// Reports what cannot work.
    pub(crate) fn check(&self, policy: &str, mistakes: &mut Vec<Mistake>) {
        let timeouts = [Some(self.timeout), self.soft_timeout];
        if timeouts.contains(&Some(Duration::ZERO)) || self.max_calls == Some(0) {
            mistakes.push(Mistake::NoCalls {
                policy: policy.into(),
            });
        }
        if !(self.early_refresh.is_finite() && self.early_refresh >= 0.0) {
            mistakes.push(Mistake::EarlyRefresh {
                policy: policy.into(),
                beta: self.early_refresh,
            });
        }
    }

    /// Returns for how long something is of use that was made just now and is good for `ttl`.
    ///
    /// `chance` is at least 0 and below 1, and says how much of its jitter the time to live loses, so that it never grows.
    pub(crate) fn freshness(&self, ttl: Duration, chance: f64) -> Freshness {
        Freshness::fixed(
            ttl.mul_f64(1.0 - self.jitter.fraction() * chance),
            self.stale_while_revalidate,
            self.stale_if_error,
        )
    }

    /// Draws how far ahead one request looks.
    pub(crate) fn early_refresh(&self, chance: &Chance) -> EarlyRefresh {
        EarlyRefresh {
            beta: self.early_refresh,
            chance: chance.draw(),
        }
    }
}
