//! What a store finds when it measures a charge.

use std::time::Duration;

use crate::rule::Tally;
use crate::time::Wait;

/// Where one charge stands after the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    remaining: u32,
    /// Of the stamp.
    place: u32,
    reset_after: Wait,
    effect: Effect,
}

/// What came of the charge: a charge that was made has fit, so no more than one of the two is known.
///
/// What tells them apart is a whole word, so that readings are copied by words, which a processor can forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
enum Effect {
    Charged { at: u64, level: u64 },
    Uncharged { retry_after: Wait },
}

impl Reading {
    /// The reading of a charge that was made, given its stamp.
    pub fn charged(remaining: u32, reset_after: Duration, stamp: Stamp) -> Self {
        Self::measured(remaining, Wait::NONE, reset_after.into(), Some(stamp))
    }

    /// The reading of a charge that was not made.
    ///
    /// `retry_after` is zero if the charge would have fit by itself, and `None` if it never will because it costs more
    /// than the limit ever admits.
    pub fn uncharged(remaining: u32, retry_after: Option<Duration>, reset_after: Duration) -> Self {
        let retry_after = retry_after.map_or(Wait::FOR_EVER, Wait::from);
        Self::measured(remaining, retry_after, reset_after.into(), None)
    }

    /// The reading as a store takes it; a charge with a stamp has nothing to wait for.
    pub(crate) fn measured(
        remaining: u32,
        retry_after: Wait,
        reset_after: Wait,
        stamp: Option<Stamp>,
    ) -> Self {
        let (place, effect) = match stamp {
            Some(Stamp { at, level, place }) => (place, Effect::Charged { at, level }),
            None => (0, Effect::Uncharged { retry_after }),
        };
        Self {
            remaining,
            place,
            reset_after,
            effect,
        }
    }

    /// What a tally that is up to date says of a cost, charged already if there is a stamp.
    pub(crate) fn of<T: Tally>(tally: &T, rule: &T::Rule, cost: u32, stamp: Option<Stamp>) -> Self {
        let retry_after = match stamp {
            Some(_) => Wait::NONE,
            None => tally
                .retry_after(rule, cost)
                .map_or(Wait::FOR_EVER, Wait::of_micros),
        };
        let reset_after = Wait::of_micros(tally.reset_after(rule));
        Self::measured(tally.remaining(rule), retry_after, reset_after, stamp)
    }

    /// Whether the charge fits.
    pub fn fits(&self) -> bool {
        self.wait() == Wait::NONE
    }

    /// What can still be taken.
    pub const fn remaining(&self) -> u32 {
        self.remaining
    }

    /// After how long the charge fits if nobody else takes anything: zero if it does now, `None` if it never does.
    pub fn retry_after(&self) -> Option<Duration> {
        self.wait().length()
    }

    /// After how long nothing counts any more.
    pub fn reset_after(&self) -> Duration {
        self.reset_after.length().unwrap_or(Duration::MAX)
    }

    /// What a refund needs to know; `None` if the charge was not made.
    pub const fn stamp(&self) -> Option<Stamp> {
        match self.effect {
            Effect::Charged { at, level } => Some(Stamp {
                at,
                level,
                place: self.place,
            }),
            Effect::Uncharged { .. } => None,
        }
    }

    const fn wait(&self) -> Wait {
        match self.effect {
            Effect::Charged { .. } => Wait::NONE,
            Effect::Uncharged { retry_after } => retry_after,
        }
    }

    pub(crate) const fn waits(&self) -> (Wait, Wait) {
        (self.wait(), self.reset_after)
    }
}

/// Where and when a charge was made: what is needed to give back exactly that charge and nothing newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "stores of other crates make stamps; these three facts suffice for every rule"
)]
pub struct Stamp {
    /// The time of the charge, in microseconds of the store's clock.
    pub at: u64,
    /// What was in use right after the charge, in the units of the rule.
    pub level: u64,
    /// The store's own note of which of its cells holds the charge. Zero where there is only one it could be.
    pub place: u32,
}
