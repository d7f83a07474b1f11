//! How rows become values of the domain.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use super::day;
use super::users::KeyHolder;
use crate::domain::{
    Booking, BookingId, Car, CarId, CarSummary, Period, PriceRange, Tier, User, UserId,
};

/// A row of `sql::FLEET`.
pub(super) struct FleetRow {
    pub(super) total: i64,
    pub(super) price_range: Option<PriceRange>,
    pub(super) car: Option<CarSummary>,
}

/// A row of `sql::AVAILABILITY`.
pub(super) struct AvailabilityRow {
    pub(super) price_per_day: i64,
    pub(super) busy: Option<Period>,
}

impl FromRow<'_, SqliteRow> for FleetRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let lowest: Option<i64> = row.try_get("lowest")?;
        let highest: Option<i64> = row.try_get("highest")?;
        let car: Option<&str> = row.try_get("id")?;
        Ok(Self {
            total: row.try_get("total")?,
            price_range: lowest
                .zip(highest)
                .map(|(min_cents, max_cents)| PriceRange {
                    min_cents,
                    max_cents,
                }),
            car: car.map(|_| CarSummary::from_row(row)).transpose()?,
        })
    }
}

impl FromRow<'_, SqliteRow> for CarSummary {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get::<String, _>("id")?.into(),
            make: row.try_get("make")?,
            model: row.try_get("model")?,
            category: row.try_get("category")?,
            city: row.try_get("city")?,
            year: row.try_get("year")?,
            seats: row.try_get("seats")?,
            price_per_day_cents: row.try_get("price_per_day")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for Car {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            summary: CarSummary::from_row(row)?,
            country: row.try_get("country")?,
            licence_plate: row.try_get("licence_plate")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for AvailabilityRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let from: Option<i64> = row.try_get("from_day")?;
        let to: Option<i64> = row.try_get("to_day")?;
        Ok(Self {
            price_per_day: row.try_get("price_per_day")?,
            busy: from
                .zip(to)
                .map(|(from, to)| day::period(from, to))
                .transpose()?,
        })
    }
}

impl FromRow<'_, SqliteRow> for Booking {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: BookingId::from(row.try_get::<String, _>("id")?),
            car_id: CarId::from(row.try_get::<String, _>("car_id")?),
            user_id: UserId::from(row.try_get::<String, _>("user_id")?),
            period: day::period(row.try_get("from_day")?, row.try_get("to_day")?)?,
            total_cents: row.try_get("total")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for KeyHolder {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let tier: &str = row.try_get("tier")?;
        let key_hash: &str = row.try_get("key_hash")?;
        Ok(Self {
            user: User {
                id: row.try_get::<String, _>("id")?.into(),
                name: row.try_get("name")?,
                tier: Tier::from_name(tier)
                    .ok_or_else(|| sqlx::Error::Decode(format!("no tier {tier:?}").into()))?,
            },
            key_hash: blake3::Hash::from_hex(key_hash)
                .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        })
    }
}
