use jiff::Timestamp;

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
        self.write(
            sqlx::query_as(sql::INSERT_BOOKING)
                .bind(BookingId::generate().to_string())
                .bind(car.to_string())
                .bind(user.to_string())
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
        self.read_one(sqlx::query_as(sql::BOOKING).bind(booking.to_string()))
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
            sqlx::query_as(sql::CANCEL_BOOKING)
                .bind(booking.to_string())
                .bind(now.as_millisecond()),
        )
        .await?
        .ok_or(RepositoryError::BookingNotFound)
    }
}
