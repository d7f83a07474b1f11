//! The generic cell rate algorithm as a leaking bucket of integers.
//!
//! A quota of `count` tokens per `period` microseconds is reduced by their greatest common divisor `g`: a token weighs
//! `unit = period / g` and every microsecond drains `drain = count / g`. Both are integers, so nothing is ever rounded
//! and a level can be compared, added to and drained exactly. Keeping the level (and not the time at which it will be
//! empty) is what lets a quota change without forgetting what was used.

use std::time::Duration;

use crate::mistake::RuleMistake;
use crate::reading::Stamp;
use crate::rule::Tally;
use crate::time::{EXACT, period_in_micros};

/// A [`Quota`](crate::Quota) in reduced integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcra {
    unit: u64,
    drain: u64,
    burst: u32,
}

impl Gcra {
    pub(crate) fn new(count: u32, period: Duration, burst: u32) -> Result<Self, RuleMistake> {
        if count == 0 || burst == 0 {
            return Err(RuleMistake::Zero);
        }
        let micros = period_in_micros(period)?;
        let divisor = greatest_common_divisor(u64::from(count), micros);
        let unit = micros / divisor;
        if u128::from(unit) * u128::from(burst) > u128::from(EXACT) {
            return Err(RuleMistake::TooFine { burst, period });
        }
        Ok(Self {
            unit,
            drain: u64::from(count) / divisor,
            burst,
        })
    }

    /// A token of a share weighs as many times more as there are shares, so that it drains that much slower.
    pub(crate) fn share(self, of: u32) -> Self {
        let divisor = greatest_common_divisor(self.drain, of.into());
        let (unit, drain) = (
            self.unit.checked_mul(u64::from(of) / divisor),
            self.drain / divisor,
        );
        let burst = self.burst.div_ceil(of);
        match unit {
            Some(unit)
                if unit
                    .checked_mul(burst.into())
                    .is_some_and(|most| most <= EXACT) =>
            {
                Self { unit, drain, burst }
            }
            // Too fine to slow down exactly.
            _ => Self { burst, ..self },
        }
    }

    /// How many units one token weighs.
    pub const fn unit(&self) -> u64 {
        self.unit
    }

    /// How many units leave in a microsecond.
    pub const fn drain(&self) -> u64 {
        self.drain
    }

    /// How many tokens can be in use at once.
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    pub(crate) fn time_to_refill(&self) -> Duration {
        Duration::from_micros(self.capacity().div_ceil(self.drain))
    }

    fn capacity(&self) -> u64 {
        self.unit * u64::from(self.burst)
    }

    fn weight(&self, cost: u32) -> u64 {
        self.unit.saturating_mul(u64::from(cost))
    }
}

/// What one subject has in use: `level` units at the time `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    level: u64,
    at: u64,
}

impl Bucket {
    pub(crate) const fn new(level: u64, at: u64) -> Self {
        Self { level, at }
    }

    pub(crate) const fn level(&self) -> u64 {
        self.level
    }

    pub(crate) const fn at(&self) -> u64 {
        self.at
    }
}

impl Tally for Bucket {
    type Rule = Gcra;

    fn empty(_: &Gcra, now: u64) -> Self {
        Self::new(0, now)
    }

    fn seen_at(self, rule: &Gcra, now: u64) -> Self {
        let drained = now.saturating_sub(self.at).saturating_mul(rule.drain);
        Self::new(self.level.saturating_sub(drained), now)
    }

    // What was used drains by the old rule up to now, so that it does not matter whether a store has dropped by then
    // what no longer counted under it. Usage is carried in whole tokens, rounded up: the one conversion that stays exact
    // in doubles.
    fn carried(self, from: &Gcra, to: &Gcra, now: u64) -> Self {
        let seen = self.seen_at(from, now);
        if from.unit == to.unit {
            return seen;
        }
        let tokens = seen.level.div_ceil(from.unit);
        Self::new(tokens.saturating_mul(to.unit).min(EXACT), now)
    }

    fn is_empty(&self) -> bool {
        self.level == 0
    }

    fn fits(&self, rule: &Gcra, cost: u32) -> bool {
        cost == 0 || self.level.saturating_add(rule.weight(cost)) <= rule.capacity()
    }

    fn charge(&mut self, rule: &Gcra, cost: u32) {
        self.level = self.level.saturating_add(rule.weight(cost)).min(EXACT);
    }

    // Units leave in the order they came. Those up to and including the charge have drained since; what is left of
    // them bounds what is left of the charge, so what has drained is not given back a second time.
    fn refund(&mut self, rule: &Gcra, cost: u32, stamp: Stamp) {
        let drained = self.at.saturating_sub(stamp.at).saturating_mul(rule.drain);
        let left = stamp.level.saturating_sub(drained);
        self.level = self.level.saturating_sub(rule.weight(cost).min(left));
    }

    fn remaining(&self, rule: &Gcra) -> u32 {
        let tokens = rule.capacity().saturating_sub(self.level) / rule.unit;
        u32::try_from(tokens).unwrap_or(u32::MAX)
    }

    fn retry_after(&self, rule: &Gcra, cost: u32) -> Option<u64> {
        if cost > rule.burst {
            return None;
        }
        if cost == 0 {
            return Some(0);
        }
        let wanted = self.level.saturating_add(rule.weight(cost));
        Some(wanted.saturating_sub(rule.capacity()).div_ceil(rule.drain))
    }

    fn reset_after(&self, rule: &Gcra) -> u64 {
        self.level.div_ceil(rule.drain)
    }

    fn stamp(&self) -> Stamp {
        Stamp {
            at: self.at,
            level: self.level,
            place: 0,
        }
    }
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests;
