use exodrive_errors::{ApiError, FieldViolation};
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;

use crate::domain::Period;
use crate::errors::{missing_days, wrong_period};

/// The days a question is about, as parameters of the query string.
#[derive(Deserialize, Validate)]
#[garde(allow_unvalidated)]
pub(super) struct PeriodQuery {
    pub(super) from: Option<Date>,
    pub(super) to: Option<Date>,
}

impl PeriodQuery {
    /// The period, where the question makes no sense without one.
    pub(super) fn required(self) -> Result<Period, ApiError> {
        self.optional()?
            .ok_or_else(|| missing_days(&["/from", "/to"]))
    }

    /// The period, or none if neither day is given.
    pub(super) fn optional(self) -> Result<Option<Period>, ApiError> {
        match (self.from, self.to) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(missing_days(&["/to"])),
            (None, Some(_)) => Err(missing_days(&["/from"])),
            (Some(from), Some(to)) => Period::new(from, to)
                .map(Some)
                .map_err(|error| wrong_period(error, FieldViolation::query)),
        }
    }
}
