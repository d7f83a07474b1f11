//! The database counts days from 1970-01-01, so that comparing and subtracting them means the same everywhere.

use jiff::Span;
use jiff::civil::{Date, date};

use crate::domain::Period;

const EPOCH: Date = date(1970, 1, 1);

/// The number of the day.
pub(super) fn number(day: Date) -> i64 {
    day.duration_since(EPOCH).as_hours() / 24
}

/// The period between two numbered days, if they are days of the calendar in the right order.
pub(super) fn period(from: i64, to: i64) -> Result<Period, sqlx::Error> {
    let day = |number: i64| {
        EPOCH
            .checked_add(Span::new().try_days(number).map_err(decode)?)
            .map_err(decode)
    };
    Period::new(day(from)?, day(to)?).map_err(decode)
}

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_both_ways_from_the_epoch() {
        assert_eq!(number(EPOCH), 0);
        assert_eq!(number(date(2026, 3, 1)), 20_513);
        assert_eq!(number(date(1969, 12, 31)), -1);
        let read = period(20_513, 20_515).unwrap();
        assert_eq!(read.from(), date(2026, 3, 1));
        assert_eq!(read.to(), date(2026, 3, 3));
    }

    #[test]
    fn refuses_days_outside_the_calendar_and_empty_periods() {
        assert!(period(i64::MAX, i64::MAX).is_err());
        assert!(period(3_000_000, 3_000_001).is_err());
        assert!(period(5, 5).is_err());
    }
}
