use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// The day against which input is checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Today(Date);

impl Today {
    /// Checks against this day.
    #[must_use]
    pub fn new(date: Date) -> Self {
        Self(date)
    }

    /// The current day in UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self(Timestamp::now().to_zoned(TimeZone::UTC).date())
    }

    /// The day as a civil date.
    #[must_use]
    pub fn date(self) -> Date {
        self.0
    }

    /// Dealers deliver next year's models from autumn on.
    pub(super) fn latest_model_year(self) -> i16 {
        self.0.saturating_add(1.year()).year()
    }
}
