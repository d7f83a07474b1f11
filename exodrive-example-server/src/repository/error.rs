use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;
use thiserror::Error;

/// Why the repository could not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// No car of the fleet has this identifier.
    #[error("there is no such car")]
    CarNotFound,
    /// No booking has this identifier, or it was cancelled.
    #[error("there is no such booking")]
    BookingNotFound,
    /// Another booking holds the car on one of the days.
    #[error("the car is booked on at least one of these days")]
    CarUnavailable,
    /// The car cannot leave the fleet while bookings that are not over hold it.
    #[error("the car has bookings that are not over")]
    CarHasBookings,
    /// Another car of the fleet has this licence plate.
    #[error("another car has this licence plate")]
    LicencePlateTaken,
    /// The make does not build such a model, or is itself unknown.
    #[error("there is no such make and model")]
    UnknownModel,
    /// No car can be picked up in such a city.
    #[error("there is no such city")]
    UnknownCity,
    /// The database did not answer in time.
    #[error("the database is busy")]
    Busy(#[source] sqlx::Error),
    /// The database failed.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
    /// The tables could not be brought up to date.
    #[error("the database could not be brought up to date")]
    Migration(#[from] MigrateError),
}

impl From<sqlx::Error> for RepositoryError {
    fn from(error: sqlx::Error) -> Self {
        let reported = error.as_database_error();
        if let Some(refused) = reported.and_then(refusal) {
            return refused;
        }
        if matches!(error, sqlx::Error::PoolTimedOut) || reported.is_some_and(is_busy) {
            Self::Busy(error)
        } else {
            Self::Database(error)
        }
    }
}

/// What a constraint of the tables means; both databases name it in their messages.
fn refusal(reported: &dyn DatabaseError) -> Option<RepositoryError> {
    let message = reported.message();
    match reported.kind() {
        ErrorKind::UniqueViolation if message.contains("licence_plate") => {
            Some(RepositoryError::LicencePlateTaken)
        }
        ErrorKind::NotNullViolation if message.contains("model_id") => {
            Some(RepositoryError::UnknownModel)
        }
        ErrorKind::NotNullViolation if message.contains("city_id") => {
            Some(RepositoryError::UnknownCity)
        }
        ErrorKind::ExclusionViolation if message.contains("no_overlap") => {
            Some(RepositoryError::CarUnavailable)
        }
        // What the trigger raises in the place of an exclusion constraint.
        ErrorKind::Other if message == "no_overlap" => Some(RepositoryError::CarUnavailable),
        _ => None,
    }
}

/// Whether the same statement may succeed a moment later.
fn is_busy(reported: &dyn DatabaseError) -> bool {
    let Some(code) = reported.code() else {
        return false;
    };
    if reported.try_downcast_ref::<PgDatabaseError>().is_some() {
        // The classes "insufficient resources" and "operator intervention", to which a statement belongs that took too
        // long (PostgreSQL, appendix A).
        code.starts_with("53") || code.starts_with("57")
    } else {
        // SQLITE_BUSY is the low byte of its extended result codes: another process kept the database locked.
        const SQLITE_BUSY: u32 = 5;
        code.parse()
            .is_ok_and(|code: u32| code & 0xff == SQLITE_BUSY)
    }
}
