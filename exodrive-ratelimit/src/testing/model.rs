//! What a store must answer, computed the long way.
//!
//! Windows are lists of everything that was ever taken, and retry times are found by trying. Rates are kept as the time
//! at which they will be at rest, not as a level. Nothing here shares a line with the arithmetic under test.

use std::collections::HashMap;

use crate::store::{Charge, Settlement, Stamp};
use crate::{Gcra, Rule, Subject, Window};

/// The segments of a window before the current one that count.
const SEGMENTS_BEFORE: u64 = 10;

#[derive(Debug, Default)]
pub(super) struct Model {
    taken: HashMap<(String, Subject), Vec<Taken>>,
    at_rest: HashMap<(String, Subject), u128>,
}

/// Something taken from a window.
#[derive(Debug, Clone, Copy)]
struct Taken {
    at: u64,
    cost: u32,
}

/// What the model answers for one charge.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) remaining: u32,
    pub(super) retry_after: Option<u64>,
    pub(super) reset_after: u64,
    /// When and at what level the charge was made, if it was.
    pub(super) stamp: Option<(u64, u64)>,
}

impl Model {
    pub(super) fn check(&mut self, charges: &[Charge<'_>], now: u64) -> (bool, Vec<Answer>) {
        let fits: Vec<bool> = charges
            .iter()
            .map(|charge| self.retry_after(charge, now) == Some(0))
            .collect();
        let admitted = charges
            .iter()
            .zip(&fits)
            .all(|(charge, fits)| *fits || charge.is_shadow());
        let answers = charges.iter().zip(fits).map(|(charge, fits)| {
            let retry_after = self.retry_after(charge, now);
            let made = admitted && fits;
            if made {
                self.take(key_of(charge), charge.rule(), charge.cost(), now);
            }
            let in_use = self.in_use(&key_of(charge), charge.rule(), now);
            Answer {
                remaining: remaining(charge.rule(), in_use),
                retry_after,
                reset_after: self.reset_after(charge, now),
                stamp: made.then_some((now, in_use as u64)),
            }
        });
        let answers = answers.collect();
        (admitted, answers)
    }

    pub(super) fn settle(&mut self, settlement: &Settlement, now: u64) {
        let key = (settlement.limit().to_owned(), settlement.subject().clone());
        if settlement.extra() > 0 {
            self.take(key, settlement.rule(), settlement.extra(), now);
            return;
        }
        match settlement.rule() {
            Rule::Window(_) => self.untake(&key, settlement.refund(), settlement.stamp()),
            Rule::Gcra(gcra) => {
                self.hasten(&key, gcra, settlement.refund(), settlement.stamp(), now);
            }
        }
    }

    fn take(&mut self, key: (String, Subject), rule: Rule, cost: u32, now: u64) {
        match rule {
            Rule::Window(_) => {
                let taken = self.taken.entry(key).or_default();
                taken.push(Taken { at: now, cost });
            }
            Rule::Gcra(gcra) => {
                let at_rest = self.at_rest.entry(key).or_default();
                *at_rest = (*at_rest).max(drained_by(gcra, now))
                    + u128::from(cost) * u128::from(gcra.unit());
            }
        }
    }

    /// Gives back to exactly the charge that was made.
    fn untake(&mut self, key: &(String, Subject), refund: u32, stamp: Stamp) {
        let mut left = refund;
        for taken in self.taken.entry(key.clone()).or_default() {
            if taken.at == stamp.at {
                let back = left.min(taken.cost);
                taken.cost -= back;
                left -= back;
            }
        }
    }

    /// Brings the time of rest forward by what has not drained of the charge.
    fn hasten(&mut self, key: &(String, Subject), gcra: Gcra, refund: u32, stamp: Stamp, now: u64) {
        let rest_after_charge = drained_by(gcra, stamp.at) + u128::from(stamp.level);
        let undrained = rest_after_charge.saturating_sub(drained_by(gcra, now));
        let back = undrained.min(u128::from(refund) * u128::from(gcra.unit()));
        let at_rest = self.at_rest.entry(key.clone()).or_default();
        *at_rest = at_rest.saturating_sub(back);
    }

    /// Tokens of a window, units of a rate.
    fn in_use(&self, key: &(String, Subject), rule: Rule, now: u64) -> u128 {
        match rule {
            Rule::Window(window) => self
                .counted(key, window, now)
                .map(|taken| u128::from(taken.cost))
                .sum(),
            Rule::Gcra(gcra) => {
                let at_rest = self.at_rest.get(key).copied().unwrap_or_default();
                at_rest.saturating_sub(drained_by(gcra, now))
            }
        }
    }

    fn counted(
        &self,
        key: &(String, Subject),
        window: Window,
        now: u64,
    ) -> impl Iterator<Item = &Taken> {
        self.taken
            .get(key)
            .into_iter()
            .flatten()
            .filter(move |taken| taken.cost > 0 && leaves_at(window, taken) > now)
    }

    fn retry_after(&self, charge: &Charge<'_>, now: u64) -> Option<u64> {
        let key = key_of(charge);
        match charge.rule() {
            _ if charge.cost() == 0 => Some(0),
            rule if charge.cost() > rule.max() => None,
            rule @ Rule::Window(window) => {
                let leaving = self.counted(&key, window, now);
                let mut times: Vec<u64> = leaving.map(|taken| leaves_at(window, taken)).collect();
                times.push(now);
                times.sort_unstable();
                let fits_at = |time: &u64| {
                    let left = remaining(rule, self.in_use(&key, rule, *time));
                    left >= charge.cost()
                };
                times.into_iter().find(fits_at).map(|time| time - now)
            }
            rule @ Rule::Gcra(gcra) => {
                let capacity = u128::from(gcra.burst()) * u128::from(gcra.unit());
                let wanted = self.in_use(&key, rule, now)
                    + u128::from(charge.cost()) * u128::from(gcra.unit());
                let excess = wanted.saturating_sub(capacity);
                Some(excess.div_ceil(u128::from(gcra.drain())) as u64)
            }
        }
    }

    fn reset_after(&self, charge: &Charge<'_>, now: u64) -> u64 {
        let key = key_of(charge);
        match charge.rule() {
            Rule::Window(window) => self
                .counted(&key, window, now)
                .map(|taken| leaves_at(window, taken) - now)
                .max()
                .unwrap_or_default(),
            rule @ Rule::Gcra(gcra) => {
                let in_use = self.in_use(&key, rule, now);
                in_use.div_ceil(u128::from(gcra.drain())) as u64
            }
        }
    }
}

fn key_of(charge: &Charge<'_>) -> (String, Subject) {
    (charge.limit().to_owned(), charge.subject().clone())
}

fn drained_by(gcra: Gcra, time: u64) -> u128 {
    u128::from(gcra.drain()) * u128::from(time)
}

/// When the last instant of a charge's segment is a window old.
fn leaves_at(window: Window, taken: &Taken) -> u64 {
    let segment = taken.at / window.segment();
    (segment + SEGMENTS_BEFORE + 1) * window.segment()
}

fn remaining(rule: Rule, in_use: u128) -> u32 {
    let left = match rule {
        Rule::Window(window) => u128::from(window.max()).saturating_sub(in_use),
        Rule::Gcra(gcra) => {
            let capacity = u128::from(gcra.burst()) * u128::from(gcra.unit());
            capacity.saturating_sub(in_use) / u128::from(gcra.unit())
        }
    };
    left as u32
}
