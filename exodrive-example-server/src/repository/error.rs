use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::migrate::MigrateError;
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

/// SQLITE_CONSTRAINT_TRIGGER, the extended result code of `RAISE(ABORT, ..)` in a trigger.
const RAISED_BY_TRIGGER: &str = "1811";

/// SQLITE_BUSY, the low byte of its extended result codes: another process kept the database locked for longer than
/// the busy timeout.
const LOCKED: u32 = 5;

impl From<sqlx::Error> for RepositoryError {
    fn from(error: sqlx::Error) -> Self {
        let reported = error.as_database_error();
        if let Some(refused) = reported.and_then(refusal) {
            return refused;
        }
        let code = reported.and_then(|reported| reported.code()?.parse::<u32>().ok());
        if code.is_some_and(|code| code & 0xff == LOCKED)
            || matches!(error, sqlx::Error::PoolTimedOut)
        {
            Self::Busy(error)
        } else {
            Self::Database(error)
        }
    }
}

/// What a constraint of the tables means.
fn refusal(reported: &dyn DatabaseError) -> Option<RepositoryError> {
    let message = reported.message();
    match reported.kind() {
        ErrorKind::UniqueViolation if message.contains("cars.licence_plate") => {
            Some(RepositoryError::LicencePlateTaken)
        }
        ErrorKind::NotNullViolation if message.contains("cars.model_id") => {
            Some(RepositoryError::UnknownModel)
        }
        ErrorKind::NotNullViolation if message.contains("cars.city_id") => {
            Some(RepositoryError::UnknownCity)
        }
        _ if reported.code().as_deref() == Some(RAISED_BY_TRIGGER) && message == "no_overlap" => {
            Some(RepositoryError::CarUnavailable)
        }
        _ => None,
    }
}
