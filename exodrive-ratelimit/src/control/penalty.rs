//! Who is refused too often is banned, and longer each time.

use std::time::Duration;

use crate::mistake::Mistake;
use crate::time::{DAY, MINUTE};
use crate::{Rule, Window};

/// Bans clients that go on after they have been refused.
///
/// Every refusal by a limit is a strike against the client that was counted, whichever instance it meets and also where
/// this instance repeats a refusal by itself. As many strikes as [`after`](Self::after) says, within the time of
/// [`strikes_within`](Self::strikes_within), are an offence, and the first offence costs a [`ban`](Self::ban). Each
/// further one that is not forgotten yet costs [`escalate`](Self::escalate) times more, up to [`at_most`](Self::at_most).
/// What a client does while it is banned is no strike, so that whoever shares its address recovers.
///
/// ```
/// use exodrive_ratelimit::{DAY, MINUTE, Penalty};
///
/// let penalty = Penalty::after(10).strikes_within(10 * MINUTE).ban(5 * MINUTE).escalate(2.0).at_most(DAY);
/// # let _ = penalty;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a penalty does nothing until it is given to a limiter"]
pub struct Penalty {
    after: u32,
    within: Duration,
    ban: Duration,
    factor: f64,
    at_most: Duration,
    forget_after: Duration,
}

impl Penalty {
    /// So many strikes are an offence.
    pub const fn after(strikes: u32) -> Self {
        Self {
            after: strikes,
            within: MINUTE,
            ban: MINUTE,
            factor: 2.0,
            at_most: DAY,
            forget_after: Duration::from_secs(7 * 24 * 60 * 60),
        }
    }

    /// How close together strikes must be to make an offence. Defaults to a minute.
    pub const fn strikes_within(mut self, window: Duration) -> Self {
        self.within = window;
        self
    }

    /// How long the first ban lasts. Defaults to a minute.
    pub const fn ban(mut self, first: Duration) -> Self {
        self.ban = first;
        self
    }

    /// How many times longer each further ban is. Defaults to 2; at 1 all are of the same length.
    pub const fn escalate(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// How long a ban is at most. Defaults to a day.
    pub const fn at_most(mut self, longest: Duration) -> Self {
        self.at_most = longest;
        self
    }

    /// After how long an offence is forgotten. Defaults to seven days.
    pub const fn forget_after(mut self, window: Duration) -> Self {
        self.forget_after = window;
        self
    }

    pub(crate) fn terms(self) -> Result<Terms, Mistake> {
        let rule = |max, window| {
            let window = Window::new(max, window).map_err(Mistake::Penalty)?;
            Ok(Rule::Window(window))
        };
        if !self.factor.is_finite() || self.factor < 1.0 {
            return Err(Mistake::Escalation);
        }
        Ok(Terms {
            strikes: rule(self.after, self.within)?,
            offences: rule(MOST_OFFENCES, self.forget_after)?,
            penalty: self,
        })
    }
}

/// More than anybody commits, so that the count is always the true one.
const MOST_OFFENCES: u32 = 1 << 30;

/// A penalty with the rules by which strikes and offences are counted, like what limits count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) strikes: Rule,
    pub(crate) offences: Rule,
    penalty: Penalty,
}

impl Terms {
    /// How many strikes are an offence.
    pub(crate) const fn threshold(&self) -> u32 {
        self.penalty.after
    }

    /// How long the ban is, given what is left of the rule of offences after this one.
    pub(crate) fn ban_for(&self, remaining: u32) -> Duration {
        let earlier = MOST_OFFENCES.saturating_sub(remaining).saturating_sub(1);
        let Penalty {
            ban,
            factor,
            at_most,
            ..
        } = self.penalty;
        let times = factor.powi(i32::try_from(earlier).unwrap_or(i32::MAX));
        let seconds = (ban.as_secs_f64() * times).min(at_most.as_secs_f64());
        Duration::try_from_secs_f64(seconds).unwrap_or(at_most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bans(penalty: Penalty) -> Vec<u64> {
        let terms = penalty.terms().unwrap();
        let nth = |n: u32| terms.ban_for(MOST_OFFENCES - n).as_secs();
        [1, 2, 3, 4, 1_000, 5_000_000].map(nth).to_vec()
    }

    #[test]
    fn bans_grow_up_to_the_longest() {
        let penalty = Penalty::after(3)
            .ban(5 * MINUTE)
            .at_most(Duration::from_secs(1_500));
        assert_eq!(bans(penalty), [300, 600, 1_200, 1_500, 1_500, 1_500]);
        assert_eq!(bans(penalty.escalate(1.0)), [300; 6]);
    }

    #[test]
    fn senseless_numbers_are_mistakes() {
        for penalty in [
            Penalty::after(0),
            Penalty::after(1).strikes_within(Duration::ZERO),
            Penalty::after(1).escalate(0.5),
            Penalty::after(1).escalate(f64::NAN),
        ] {
            assert!(penalty.terms().is_err(), "{penalty:?}");
        }
    }
}
