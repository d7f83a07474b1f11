use jiff::Timestamp;

use super::statement::Statement;
use super::{Repository, RepositoryError, day, sql};
use crate::domain::{Booking, BookingId, CarId, Period, UserId};

impl Repository {
    /// Promises the car to the user for the period, at the car's present price.
    ///
    /// # Errors
    ///
    /// If there is no such car, another booking holds it on one of the days, or the database fails.
    pub async fn book(
        &self,
        car: &CarId,
        user: &UserId,
        period: Period,
        now: Timestamp,
    ) -> Result<Booking, RepositoryError> {
        self.write_alone(
            car,
            Statement::new(sql::INSERT_BOOKING)
                .bind(BookingId::generate().as_ref())
                .bind(car.as_ref())
                .bind(user.as_ref())
                .bind(day::number(period.from()))
                .bind(day::number(period.to()))
                .bind(now.as_millisecond()),
        )
        .await?
        .ok_or(RepositoryError::CarNotFound)
    }

    /// The booking.
    ///
    /// # Errors
    ///
    /// If there is no such booking, it was cancelled, or the database fails.
    pub async fn booking(&self, booking: &BookingId) -> Result<Booking, RepositoryError> {
        self.read_one(Statement::new(sql::BOOKING).bind(booking.as_ref()))
            .await?
            .ok_or(RepositoryError::BookingNotFound)
    }

    /// Undoes a booking and frees its car.
    ///
    /// # Errors
    ///
    /// If there is no such booking, it was cancelled already, or the database fails.
    pub async fn cancel(
        &self,
        booking: &BookingId,
        now: Timestamp,
    ) -> Result<Booking, RepositoryError> {
        self.write(
            Statement::new(sql::CANCEL_BOOKING)
                .bind(booking.as_ref())
                .bind(now.as_millisecond()),
        )
        .await?
        .ok_or(RepositoryError::BookingNotFound)
    }
}
