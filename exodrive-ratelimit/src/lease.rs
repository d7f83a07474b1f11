//! Tokens that were charged in advance, to be spent without asking anybody.
//!
//! What is spent late must not count less than if it had been charged when it was spent, or a window could hold more than
//! the limit.
//!
//! Of a window, a lease lasts until its segment ends: everything that is taken in a segment counts alike.
//!
//! Of a rate, what was charged begins to drain at once, and tokens that drain before they are spent are lost to the lease.
//! Units leave in the order they came, so those that were in use before drain first. What the store has in use is then
//! never less than what it would have if every token had been charged when it was spent, plus what the lease holds:
//! all of them drain alike, and where only the lease's are left, the lease drains with them.

use crate::Rule;
use crate::reading::{Reading, Stamp};

/// For how long tokens are held at most, in microseconds.
const LONGEST: u64 = 1_000_000;

/// How many requests a lease must be good for.
const WORTHWHILE: u32 = 8;

/// For how long no lease is tried again after one that was of no use, in microseconds.
pub(crate) const PAUSE: u64 = 1_000_000;

/// Tokens of one limit for one subject. Times are microseconds of this instance's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    rule: Rule,
    stamp: Stamp,
    tokens: u32,
    spent: u32,
    /// What is left to others.
    remaining: u32,
    asked_at: u64,
    ends_at: u64,
}

impl Lease {
    /// The lease of `tokens` that the store was asked for at `asked_at` and charged; `None` if it was not.
    pub(crate) fn new(rule: Rule, tokens: u32, reading: &Reading, asked_at: u64) -> Option<Self> {
        let stamp = reading.stamp()?;
        let lasts = match rule {
            // The store's clock says when its segment ends; it has been asked no earlier than `asked_at`.
            Rule::Window(window) => window.segment() - stamp.at % window.segment(),
            Rule::Gcra(_) => LONGEST,
        };
        Some(Self {
            rule,
            stamp,
            tokens,
            spent: 0,
            remaining: reading.remaining(),
            asked_at,
            ends_at: asked_at.saturating_add(lasts.min(LONGEST)),
        })
    }

    /// How many tokens can still be spent.
    pub(crate) fn left(&self, now: u64) -> u32 {
        if now < self.ends_at {
            self.unspent(now)
        } else {
            0
        }
    }

    /// How many tokens are neither spent nor lost, which is what to give back.
    pub(crate) fn unspent(&self, now: u64) -> u32 {
        let drained = match self.rule {
            Rule::Window(_) => 0,
            Rule::Gcra(gcra) => {
                let taken = u64::from(self.tokens) * gcra.unit();
                let before = self.stamp.level.saturating_sub(taken);
                let drained = (now.saturating_sub(self.asked_at)).saturating_mul(gcra.drain());
                drained.saturating_sub(before).div_ceil(gcra.unit())
            }
        };
        let unspent = u64::from(self.tokens - self.spent);
        unspent.saturating_sub(drained) as u32
    }

    /// Whether most of it was lost before the answer was here: the rate drains faster than the store can be asked.
    pub(crate) fn is_of_no_use(&self, now: u64) -> bool {
        self.left(now) < self.tokens / 2
    }

    /// Spends tokens, if there are as many and they are counted by the same rule.
    pub(crate) fn spend(&mut self, rule: Rule, cost: u32, now: u64) -> Option<Reading> {
        let left = self.left(now);
        if rule != self.rule || cost > left {
            return None;
        }
        self.spent += cost;
        let remaining = self.remaining.saturating_add(left - cost).min(rule.max());
        Some(Reading::charged(remaining, rule.window(), self.stamp))
    }

    pub(crate) const fn tokens(&self) -> u32 {
        self.tokens
    }

    pub(crate) const fn stamp(&self) -> Stamp {
        self.stamp
    }

    pub(crate) const fn rule(&self) -> Rule {
        self.rule
    }

    /// For how long it was to last.
    pub(crate) const fn lasts(&self) -> u64 {
        self.ends_at - self.asked_at
    }

    /// What others can take, as far as this instance knows.
    pub(crate) const fn remaining(&self) -> u32 {
        self.remaining
    }
}

/// How many tokens to take at once: as many as may be held, but no more than leaves three quarters of what remains to
/// be taken by others, however many instances do the same. A lease of a few requests is worth nobody's wait, and then
/// it is the cost alone.
pub(crate) fn tokens(most: u32, cost: u32, remaining: u32, instances: u32) -> u32 {
    let fair = remaining / instances.max(1).saturating_mul(4);
    let tokens = most.min(fair);
    if tokens / WORTHWHILE < cost {
        cost
    } else {
        tokens
    }
}

#[cfg(test)]
mod tests;
