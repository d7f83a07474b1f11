use jiff::Timestamp;

use super::statement::Statement;
use super::{Repository, RepositoryError, day, sql};
use crate::domain::{Car, CarId, NewCar, Today, UpdateCar};

impl Repository {
    /// The car.
    ///
    /// # Errors
    ///
    /// If there is no such car, or the database fails.
    pub async fn car(&self, car: &CarId) -> Result<Car, RepositoryError> {
        self.read_one(Statement::new(sql::CAR).bind(car.as_ref()))
            .await?
            .ok_or(RepositoryError::CarNotFound)
    }

    /// Adds a car to the fleet.
    ///
    /// # Errors
    ///
    /// If the model or the city is unknown, the licence plate is taken, or the database fails.
    pub async fn create_car(&self, new: &NewCar) -> Result<Car, RepositoryError> {
        let car = CarId::generate();
        let _: Option<()> = self
            .write(
                Statement::new(sql::INSERT_CAR)
                    .bind(car.as_ref())
                    .bind(new.make.to_lowercase())
                    .bind(new.model.to_lowercase())
                    .bind(new.city.to_lowercase())
                    .bind(i64::from(new.year))
                    .bind(new.licence_plate.as_str())
                    .bind(new.price_per_day_cents),
            )
            .await?;
        self.car(&car).await
    }

    /// Changes a car of the fleet. Bookings keep the price they were made at.
    ///
    /// # Errors
    ///
    /// If there is no such car or city, the licence plate is taken, or the database fails.
    pub async fn update_car(
        &self,
        car: &CarId,
        update: &UpdateCar,
    ) -> Result<Car, RepositoryError> {
        let updated: Option<()> = self
            .write(
                Statement::new(sql::UPDATE_CAR)
                    .bind(car.as_ref())
                    .bind(update.city.to_lowercase())
                    .bind(update.licence_plate.as_str())
                    .bind(update.price_per_day_cents),
            )
            .await?;
        updated.ok_or(RepositoryError::CarNotFound)?;
        self.car(car).await
    }

    /// Takes a car out of the fleet.
    ///
    /// # Errors
    ///
    /// If there is no such car, a booking that is not over by `today` holds it, or the database fails.
    pub async fn delete_car(
        &self,
        car: &CarId,
        today: Today,
        now: Timestamp,
    ) -> Result<(), RepositoryError> {
        let deleted: Option<()> = self
            .write_alone(
                car,
                Statement::new(sql::DELETE_CAR)
                    .bind(car.as_ref())
                    .bind(day::number(today.date()))
                    .bind(now.as_millisecond()),
            )
            .await?;
        if deleted.is_some() {
            return Ok(());
        }
        // Nothing was deleted: either there is no such car, or it is the bookings.
        self.car(car).await?;
        Err(RepositoryError::CarHasBookings)
    }
}
