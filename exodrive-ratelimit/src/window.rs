//! A sliding window that keeps its promise: never more than `max` in any window.
//!
//! The clock is cut into segments of a tenth of the window, on a grid that starts at the clock's zero. What is taken is
//! counted in the segment of its time, and a segment counts whole until its very last instant is a window old: eleven
//! counters in all, the current segment and the ten before it. Nothing leaves early, so the promise is strict; what
//! came first in a segment leaves up to a tenth of a window late, which is the price.

use std::time::Duration;

use crate::mistake::RuleMistake;
use crate::reading::Stamp;
use crate::rule::Tally;
use crate::time::period_in_micros;

/// How many segments a window is cut into.
const SEGMENTS: u64 = 10;

/// The segments that can count at one time: those of a whole window and the one that is leaving.
const COUNTED: u64 = SEGMENTS + 1;

/// Never more than [`max`](Self::max) in any [`length`](Self::length).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    max: u32,
    segment: u64,
}

impl Window {
    pub(crate) fn new(max: u32, length: Duration) -> Result<Self, RuleMistake> {
        if max == 0 {
            return Err(RuleMistake::Zero);
        }
        let segment = period_in_micros(length)?.div_ceil(SEGMENTS);
        Ok(Self { max, segment })
    }

    pub(crate) const fn share(self, of: u32) -> Self {
        Self {
            max: self.max.div_ceil(of),
            ..self
        }
    }

    /// The most that is admitted in any window.
    pub const fn max(&self) -> u32 {
        self.max
    }

    /// The length of a segment in microseconds: a tenth of the window, rounded up.
    pub const fn segment(&self) -> u64 {
        self.segment
    }

    /// The length of the window.
    pub const fn length(&self) -> Duration {
        Duration::from_micros(self.segment * SEGMENTS)
    }
}

/// What one subject has taken, by segment.
///
/// `newest` is the index of the latest segment and `counts[i % 11]` belongs to segment `i`, for the eleven segments up
/// to `newest`. `at` is when the tally was last looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segments {
    newest: u64,
    counts: [u32; COUNTED as usize],
    at: u64,
}

impl Segments {
    pub(crate) const fn new(newest: u64, counts: [u32; COUNTED as usize], at: u64) -> Self {
        Self { newest, counts, at }
    }

    pub(crate) const fn newest(&self) -> u64 {
        self.newest
    }

    pub(crate) const fn counts(&self) -> [u32; COUNTED as usize] {
        self.counts
    }

    fn total(&self) -> u64 {
        self.counts.iter().copied().map(u64::from).sum()
    }

    fn slot(index: u64) -> usize {
        (index % COUNTED) as usize
    }

    fn count_mut(&mut self, index: u64) -> &mut u32 {
        &mut self.counts[Self::slot(index)]
    }

    /// The segments that count, oldest first, with what was taken in them.
    fn counted(&self) -> impl DoubleEndedIterator<Item = (u64, u32)> {
        (self.newest.saturating_sub(SEGMENTS)..=self.newest)
            .map(|index| (index, self.counts[Self::slot(index)]))
    }

    /// After how long the segment no longer counts.
    fn leaves_after(&self, rule: &Window, index: u64) -> u64 {
        (index + COUNTED)
            .saturating_mul(rule.segment)
            .saturating_sub(self.at)
    }
}

impl Tally for Segments {
    type Rule = Window;

    fn empty(rule: &Window, now: u64) -> Self {
        Self::new(now / rule.segment, [0; COUNTED as usize], now)
    }

    fn seen_at(self, rule: &Window, now: u64) -> Self {
        let current = now / rule.segment;
        let mut seen = Self {
            at: now,
            newest: current,
            ..self
        };
        if current > self.newest {
            for index in self.newest + 1..=current.min(self.newest + COUNTED) {
                *seen.count_mut(index) = 0;
            }
        } else if current < self.newest {
            seen.counts = [0; COUNTED as usize];
            for (index, count) in self.counted() {
                let slot = seen.count_mut(index.min(current));
                *slot = slot.saturating_add(count);
            }
        }
        seen
    }

    // On another grid each count goes to the segment that holds the last instant at which it can have been taken, so
    // that it never leaves too early.
    fn carried(self, from: &Window, to: &Window, now: u64) -> Self {
        if from.segment == to.segment {
            return self;
        }
        let mut carried = Self::empty(to, now);
        let current = carried.newest;
        for (index, count) in self.seen_at(from, now).counted() {
            let last_instant = (index + 1).saturating_mul(from.segment) - 1;
            let index = (last_instant / to.segment).min(current);
            if index + SEGMENTS >= current {
                let slot = carried.count_mut(index);
                *slot = slot.saturating_add(count);
            }
        }
        carried
    }

    fn is_empty(&self) -> bool {
        self.total() == 0
    }

    fn fits(&self, rule: &Window, cost: u32) -> bool {
        cost == 0 || self.total() + u64::from(cost) <= u64::from(rule.max)
    }

    fn charge(&mut self, _: &Window, cost: u32) {
        let slot = self.count_mut(self.newest);
        *slot = slot.saturating_add(cost);
    }

    fn refund(&mut self, rule: &Window, cost: u32, stamp: Stamp) {
        let index = stamp.at / rule.segment;
        if (self.newest.saturating_sub(SEGMENTS)..=self.newest).contains(&index) {
            let slot = self.count_mut(index);
            *slot = slot.saturating_sub(cost);
        }
    }

    fn remaining(&self, rule: &Window) -> u32 {
        let left = u64::from(rule.max).saturating_sub(self.total());
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    fn retry_after(&self, rule: &Window, cost: u32) -> Option<u64> {
        if cost > rule.max {
            return None;
        }
        if self.fits(rule, cost) {
            return Some(0);
        }
        let mut excess = self.total() + u64::from(cost) - u64::from(rule.max);
        for (index, count) in self.counted() {
            excess = excess.saturating_sub(u64::from(count));
            if excess == 0 {
                return Some(self.leaves_after(rule, index));
            }
        }
        None
    }

    fn reset_after(&self, rule: &Window) -> u64 {
        self.counted()
            .rev()
            .find(|&(_, count)| count > 0)
            .map_or(0, |(index, _)| self.leaves_after(rule, index))
    }

    fn stamp(&self) -> Stamp {
        Stamp {
            at: self.at,
            level: self.total(),
            place: 0,
        }
    }
}

#[cfg(test)]
mod tests;
