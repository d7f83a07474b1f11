//! How rows become values of the domain.

use jiff::civil::Date;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Postgres, Row as _, Sqlite, Type};

use super::day;
use super::users::KeyHolder;
use crate::domain::{Booking, Car, CarId, CarSummary, IdError, Period, PriceRange, Tier, User};

/// A row of `sql::FREE_FOREVER`.
pub(super) struct FreeCar {
    pub(super) car_id: CarId,
    pub(super) from: Date,
}

/// A row of either database.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The value in the column.
    pub(super) fn get<'r, T>(&'r self, column: &str) -> Result<T, sqlx::Error>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }

    fn id<T: TryFrom<String, Error = IdError>>(&self, column: &str) -> Result<T, sqlx::Error> {
        let text: String = self.get(column)?;
        T::try_from(text).map_err(|error| sqlx::Error::Decode(Box::new(error)))
    }
}

/// What a row says.
pub(super) trait Record: Sized {
    fn read(row: &Row) -> Result<Self, sqlx::Error>;
}

/// Only that there is a row.
impl Record for () {
    fn read(_: &Row) -> Result<Self, sqlx::Error> {
        Ok(())
    }
}

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

impl Record for FleetRow {
    fn read(row: &Row) -> Result<Self, sqlx::Error> {
        let lowest: Option<i64> = row.get("lowest")?;
        let highest: Option<i64> = row.get("highest")?;
        let car: Option<&str> = row.get("id")?;
        Ok(Self {
            total: row.get("total")?,
            price_range: lowest
                .zip(highest)
                .map(|(min_cents, max_cents)| PriceRange {
                    min_cents,
                    max_cents,
                }),
            car: car.map(|_| CarSummary::read(row)).transpose()?,
        })
    }
}

impl Record for CarSummary {
    fn read(row: &Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id("id")?,
            make: row.get("make")?,
            model: row.get("model")?,
            category: row.get("category")?,
            city: row.get("city")?,
            year: row.get("year")?,
            seats: row.get("seats")?,
            price_per_day_cents: row.get("price_per_day")?,
        })
    }
}

impl Record for Car {
    fn read(row: &Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            summary: CarSummary::read(row)?,
            country: row.get("country")?,
            licence_plate: row.get("licence_plate")?,
        })
    }
}

impl Record for AvailabilityRow {
    fn read(row: &Row) -> Result<Self, sqlx::Error> {
        let from: Option<i64> = row.get("from_day")?;
        let to: Option<i64> = row.get("to_day")?;
        Ok(Self {
            price_per_day: row.get("price_per_day")?,
            busy: from
                .zip(to)
                .map(|(from, to)| day::period(from, to))
                .transpose()?,
        })
    }
}

impl Record for FreeCar {
    fn read(row: &Row) -> Result<Self, sqlx::Error> {
        let from = row.get("free_from")?;
        Ok(Self {
            car_id: row.id("car_id")?,
            from: day::period(from, from + 1)?.from(),
        })
    }
}

impl Record for Booking {
    fn read(row: &Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id("id")?,
            car_id: row.id("car_id")?,
            user_id: row.id("user_id")?,
            period: day::period(row.get("from_day")?, row.get("to_day")?)?,
            total_cents: row.get("total")?,
        })
    }
}

impl Record for KeyHolder {
    fn read(row: &Row) -> Result<Self, sqlx::Error> {
        let tier: &str = row.get("tier")?;
        let key_hash: &str = row.get("key_hash")?;
        Ok(Self {
            user: User {
                id: row.id("id")?,
                name: row.get("name")?,
                tier: Tier::from_name(tier)
                    .ok_or_else(|| sqlx::Error::Decode(format!("no tier {tier:?}").into()))?,
            },
            key_hash: blake3::Hash::from_hex(key_hash)
                .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        })
    }
}
