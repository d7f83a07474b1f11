use jiff::civil::Date;

use super::rows::{AvailabilityRow, FleetRow, FreeCar};
use super::statement::Statement;
use super::{Repository, RepositoryError, day, sql};
use crate::domain::{Availability, CarId, FleetFilter, FleetPage, Period};

impl Repository {
    /// The cars that match, cheapest first, with how many there are and what they cost on all pages together.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn fleet(&self, filter: &FleetFilter) -> Result<FleetPage, RepositoryError> {
        let lower = |text: &Option<String>| text.as_deref().map(str::to_lowercase);
        let rows: Vec<FleetRow> = self
            .read(
                Statement::new(sql::FLEET)
                    .bind(lower(&filter.city))
                    .bind(lower(&filter.category))
                    .bind(filter.free_in.map(|period| day::number(period.from())))
                    .bind(filter.free_in.map(|period| day::number(period.to())))
                    .bind(i64::from(filter.paging.per_page()))
                    .bind(filter.paging.offset()),
            )
            .await?;
        let totals = rows.first().map(|row| (row.total, row.price_range));
        let (total, price_range) = totals.unwrap_or_default();
        Ok(FleetPage {
            cars: rows.into_iter().filter_map(|row| row.car).collect(),
            page: filter.paging.page(),
            per_page: filter.paging.per_page(),
            total,
            price_range,
        })
    }

    /// Whether the car is free in the period, what keeps it busy, and what it would cost.
    ///
    /// # Errors
    ///
    /// If there is no such car, or the database fails.
    pub async fn availability(
        &self,
        car: &CarId,
        period: Period,
    ) -> Result<Availability, RepositoryError> {
        let rows: Vec<AvailabilityRow> = self
            .read(
                Statement::new(sql::AVAILABILITY)
                    .bind(car.as_ref())
                    .bind(day::number(period.from()))
                    .bind(day::number(period.to())),
            )
            .await?;
        let price_per_day = rows
            .first()
            .map(|row| row.price_per_day)
            .ok_or(RepositoryError::CarNotFound)?;
        let busy = rows.into_iter().filter_map(|row| row.busy).collect();
        Ok(Availability::new(car.clone(), period, busy, price_per_day))
    }

    /// A car nobody has booked from the returned day on, and that day, which is `earliest` or later.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn free_forever(
        &self,
        earliest: Date,
    ) -> Result<Option<(CarId, Date)>, RepositoryError> {
        let free: Option<FreeCar> = self
            .read_one(Statement::new(sql::FREE_FOREVER).bind(day::number(earliest)))
            .await?;
        Ok(free.map(|free| (free.car_id, free.from)))
    }
}
