use sqlx::query_builder::Separated;
use sqlx::{QueryBuilder, Sqlite, Transaction};

use super::sql::{self, bulk};
use super::{Repository, RepositoryError, day};
use crate::domain::{BookingId, CarId, UserId};
use crate::seed::{CATEGORIES, CITIES, DEMO_USERS, Generated, MAKES, MODELS};

/// Rows in one statement: past a few hundred the statement's own cost no longer shows.
const BATCH: usize = 500;

const DAY_IN_MILLISECONDS: i64 = 24 * 60 * 60 * 1_000;

impl Repository {
    /// Whether a fleet was loaded before.
    pub(crate) async fn is_loaded(&self) -> Result<bool, RepositoryError> {
        let user: Option<(i64,)> = self.read_one(sqlx::query_as(sql::ANY_USER)).await?;
        Ok(user.is_some())
    }

    /// Fills an empty database with the generated fleet: all of it or, if this fails half way, nothing.
    pub(crate) async fn load(&self, generated: &Generated) -> Result<(), RepositoryError> {
        let mut transaction = self.transaction().await?;
        self.load_tables(&mut transaction).await?;
        self.load_fleet(&mut transaction, generated).await?;
        Ok(transaction.commit().await?)
    }

    async fn load_tables(&self, into: &mut Writer) -> Result<(), RepositoryError> {
        self.insert(into, bulk::MAKES, &MAKES, |row, number, make| {
            row.push_bind(number as i64).push_bind(*make);
        })
        .await?;
        self.insert(into, bulk::CATEGORIES, &CATEGORIES, |row, number, name| {
            row.push_bind(number as i64).push_bind(*name);
        })
        .await?;
        self.insert(into, bulk::MODELS, &MODELS, |row, number, model| {
            row.push_bind(number as i64)
                .push_bind(place(&MAKES, model.make))
                .push_bind(place(&CATEGORIES, model.category))
                .push_bind(model.name)
                .push_bind(model.seats);
        })
        .await?;
        self.insert(into, bulk::CITIES, &CITIES, |row, number, city| {
            row.push_bind(number as i64)
                .push_bind(city.name)
                .push_bind(city.country);
        })
        .await?;
        self.insert(into, bulk::USERS, &DEMO_USERS, |row, number, user| {
            row.push_bind(UserId::numbered(number).to_string())
                .push_bind(user.name)
                .push_bind(user.tier.as_str())
                .push_bind(blake3::hash(user.key.as_bytes()).to_hex().to_string());
        })
        .await
    }

    async fn load_fleet(
        &self,
        into: &mut Writer,
        generated: &Generated,
    ) -> Result<(), RepositoryError> {
        self.insert(into, bulk::CARS, &generated.cars, |row, number, car| {
            row.push_bind(CarId::numbered(number).to_string())
                .push_bind(car.model as i64)
                .push_bind(car.city as i64)
                .push_bind(car.year)
                .push_bind(car.licence_plate.clone())
                .push_bind(car.price_per_day);
        })
        .await?;
        let today = day::number(generated.date);
        self.insert(
            into,
            bulk::BOOKINGS,
            &generated.bookings,
            |row, number, booking| {
                let days = booking.to - booking.from;
                row.push_bind(BookingId::numbered(number).to_string())
                    .push_bind(CarId::numbered(booking.car).to_string())
                    .push_bind(UserId::numbered(booking.user).to_string())
                    .push_bind(today + booking.from)
                    .push_bind(today + booking.to)
                    .push_bind(days * generated.cars[booking.car].price_per_day)
                    .push_bind((today + booking.made) * DAY_IN_MILLISECONDS);
            },
        )
        .await
    }

    /// Inserts the items, each with its place among them.
    async fn insert<T>(
        &self,
        into: &mut Writer,
        statement: &'static str,
        items: &[T],
        bind: impl Fn(&mut Separated<'_, Sqlite, &'static str>, usize, &T),
    ) -> Result<(), RepositoryError> {
        for (batch, items) in items.chunks(BATCH).enumerate() {
            let numbered = (batch * BATCH..).zip(items);
            let mut query = QueryBuilder::new(statement);
            query.push_values(numbered, |mut row, (number, item)| {
                bind(&mut row, number, item);
            });
            self.count();
            query.build().execute(&mut **into).await?;
        }
        Ok(())
    }
}

type Writer = Transaction<'static, Sqlite>;

/// The number under which the name was inserted.
fn place(names: &[&str], name: &str) -> Option<i64> {
    let place = names.iter().position(|known| *known == name)?;
    Some(place as i64)
}
