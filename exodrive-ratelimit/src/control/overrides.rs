//! Another size of a limit for somebody.

use crate::Quota;
use crate::limit::Way;
use crate::time::micros;

/// What a limit is for one subject in place of what it is for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override(pub(super) Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unlimited,
    /// In thousandths.
    Times(u32),
    Quota(Quota),
}

impl Override {
    /// The limit does not apply.
    pub const fn unlimited() -> Self {
        Self(Kind::Unlimited)
    }

    /// So many times the limit, rounded to thousandths and never less than one token.
    pub fn times(factor: f64) -> Self {
        // The conversion saturates, and takes what is no number for zero.
        Self(Kind::Times((factor * 1_000.0).round() as u32))
    }

    /// This quota. Of a limit by [`sliding_window`](crate::Limit::sliding_window), the window becomes the quota's period
    /// and the count is the most it admits.
    pub const fn quota(quota: Quota) -> Self {
        Self(Kind::Quota(quota))
    }

    /// How the limit counts for the subject; `None` if it does not apply.
    pub(crate) fn of(self, way: Way) -> Option<Way> {
        let scaled = |count: u32, thousandths: u32| {
            let count = u64::from(count) * u64::from(thousandths) / 1_000;
            u32::try_from(count).unwrap_or(u32::MAX).max(1)
        };
        Some(match (self.0, way) {
            (Kind::Unlimited, _) => return None,
            (Kind::Times(by), Way::Window(max, length)) => Way::Window(scaled(max, by), length),
            (Kind::Times(by), Way::Gcra(quota)) => {
                let (count, period, burst) = quota.parts();
                Way::Gcra(Quota::per(scaled(count, by), period).burst(scaled(burst, by)))
            }
            (Kind::Quota(quota), Way::Window(..)) => {
                let (count, period, _) = quota.parts();
                Way::Window(count, period)
            }
            (Kind::Quota(quota), Way::Gcra(_)) => Way::Gcra(quota),
        })
    }

    pub(super) fn word(self) -> String {
        match self.0 {
            Kind::Unlimited => "unlimited".to_owned(),
            Kind::Times(thousandths) => format!("times/{thousandths}"),
            Kind::Quota(quota) => {
                let (count, period, burst) = quota.parts();
                format!("quota/{count}/{}/{burst}", micros(period))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HOUR, MINUTE};

    #[test]
    fn sizes_follow_the_override_and_are_never_nothing() {
        let window = |to: Override| match to.of(Way::Window(60, MINUTE)) {
            Some(Way::Window(max, length)) => Some((max, length)),
            _ => None,
        };
        assert_eq!(window(Override::unlimited()), None);
        assert_eq!(window(Override::times(2.5)), Some((150, MINUTE)));
        assert_eq!(window(Override::times(f64::NAN)), Some((1, MINUTE)));
        assert_eq!(
            window(Override::times(1e12)).map(|(max, _)| max > 60_000_000),
            Some(true)
        );
        assert_eq!(window(Override::quota(Quota::per_hour(7))), Some((7, HOUR)));
        let Some(Way::Gcra(quota)) =
            Override::times(2.0).of(Way::Gcra(Quota::per_second(3).burst(9)))
        else {
            panic!("a rate stays one");
        };
        assert_eq!(quota, Quota::per_second(6).burst(18));
    }
}
