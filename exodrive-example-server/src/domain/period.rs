use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

/// A run of whole days, from `from` up to but not including `to`.
///
/// A car that comes back on a day can leave again on the same day, so two periods that only touch do not overlap.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, ToSchema)]
pub struct Period {
    from: Date,
    to: Date,
}

/// Why two dates are not a [`Period`].
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PeriodError {
    /// The last day is not after the first.
    #[error("must be later than the first day")]
    Empty,
    /// More than [`Period::MAX_DAYS`].
    #[error("must be at most {} days after the first day", Period::MAX_DAYS)]
    TooLong,
}

impl Period {
    /// The longest period anyone can ask about, in days.
    pub const MAX_DAYS: i64 = 366;

    /// The days from `from` up to but not including `to`.
    ///
    /// # Errors
    ///
    /// If the period would be empty or longer than [`Period::MAX_DAYS`].
    pub fn new(from: Date, to: Date) -> Result<Self, PeriodError> {
        let period = Self { from, to };
        match period.days() {
            ..=0 => Err(PeriodError::Empty),
            1..=Self::MAX_DAYS => Ok(period),
            _ => Err(PeriodError::TooLong),
        }
    }

    /// The `days` days that begin with `from`; never fewer than one, and cut short at the end of the calendar.
    pub fn starting(from: Date, days: i64) -> Self {
        let from = from.min(Date::MAX.yesterday().unwrap_or(Date::MIN));
        let to = from.saturating_add(days.clamp(1, Self::MAX_DAYS).days());
        Self { from, to }
    }

    /// The first day.
    #[must_use]
    pub fn from(self) -> Date {
        self.from
    }

    /// The day after the last.
    #[must_use]
    pub fn to(self) -> Date {
        self.to
    }

    /// How many days, at least one.
    #[must_use]
    pub fn days(self) -> i64 {
        // Civil dates have no daylight saving time: every day is 24 hours long.
        self.to.duration_since(self.from).as_hours() / 24
    }

    /// Whether any day belongs to both.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::{Strategy, prop_assert_eq, proptest};

    use super::*;

    fn march(from: i8, to: i8) -> Period {
        Period::new(date(2026, 3, from), date(2026, 3, to)).unwrap()
    }

    #[test]
    fn counts_the_first_day_and_not_the_last() {
        assert_eq!(march(1, 2).days(), 1);
        assert_eq!(march(28, 31).days(), 3);
    }

    #[test]
    fn counts_across_a_leap_day() {
        let period = Period::new(date(2028, 2, 28), date(2028, 3, 1)).unwrap();
        assert_eq!(period.days(), 2);
    }

    #[test]
    fn refuses_what_is_empty_backwards_or_endless() {
        let day = date(2026, 3, 1);
        assert_eq!(Period::new(day, day), Err(PeriodError::Empty));
        assert_eq!(Period::new(day, date(2026, 2, 1)), Err(PeriodError::Empty));
        assert!(Period::new(day, date(2027, 3, 2)).is_ok());
        assert_eq!(
            Period::new(day, date(2027, 3, 3)),
            Err(PeriodError::TooLong)
        );
    }

    #[test]
    fn periods_that_touch_do_not_overlap() {
        assert!(!march(1, 5).overlaps(march(5, 8)));
        assert!(!march(5, 8).overlaps(march(1, 5)));
    }

    #[test]
    fn periods_that_share_a_day_overlap_both_ways() {
        for other in [march(1, 6), march(6, 7), march(7, 9), march(4, 10)] {
            assert!(march(5, 8).overlaps(other));
            assert!(other.overlaps(march(5, 8)));
        }
    }

    #[test]
    fn never_leaves_the_calendar() {
        assert_eq!(Period::starting(Date::MAX, 3).days(), 1);
        assert_eq!(Period::starting(date(2026, 3, 1), 3), march(1, 4));
    }

    fn any_period() -> impl Strategy<Value = Period> {
        (0..40_i64, 1..20_i64)
            .prop_map(|(start, days)| Period::starting(date(2026, 3, 1) + start.days(), days))
    }

    proptest! {
        #[test]
        fn overlap_means_a_day_in_common(one in any_period(), other in any_period()) {
            let days = |period: Period| period.from().series(1.day()).take(period.days() as usize);
            let in_common = days(one).any(|day| days(other).any(|booked| booked == day));
            prop_assert_eq!(one.overlaps(other), in_common);
            prop_assert_eq!(other.overlaps(one), in_common);
        }
    }
}
