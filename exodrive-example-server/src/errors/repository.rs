use std::time::Duration;

use exodrive_errors::{ApiError, ErrorCode, FieldViolation};

use super::{
    BOOKING_NOT_FOUND, CAR_HAS_BOOKINGS, CAR_NOT_FOUND, CAR_UNAVAILABLE, LICENCE_PLATE_TAKEN,
};
use crate::repository::RepositoryError;

impl From<RepositoryError> for ApiError {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::CarNotFound => Self::new(CAR_NOT_FOUND),
            RepositoryError::BookingNotFound => Self::new(BOOKING_NOT_FOUND),
            RepositoryError::CarUnavailable => Self::new(CAR_UNAVAILABLE),
            RepositoryError::CarHasBookings => Self::new(CAR_HAS_BOOKINGS),
            RepositoryError::LicencePlateTaken => Self::new(LICENCE_PLATE_TAKEN),
            RepositoryError::UnknownModel => {
                unknown("/model", "must be a model of this make that we rent out")
            }
            RepositoryError::UnknownCity => unknown("/city", "must be a city we rent out cars in"),
            RepositoryError::Busy(_) => Self::new(ErrorCode::SERVICE_UNAVAILABLE)
                .retry_after(Duration::from_secs(1))
                .source(error),
            RepositoryError::Database(_) | RepositoryError::Migration(_) => {
                Self::new(ErrorCode::DATABASE_ERROR).source(error)
            }
        }
    }
}

fn unknown(pointer: &'static str, message: &'static str) -> ApiError {
    ApiError::new(ErrorCode::VALIDATION_ERROR)
        .violation(FieldViolation::body(pointer, "UNKNOWN", message))
}
