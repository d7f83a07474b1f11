use super::database::Transaction;
use super::sql::{self, bulk};
use super::statement::{Statement, Value};
use super::{Repository, RepositoryError, day};
use crate::domain::{BookingId, CarId, Tier, UserId};
use crate::seed::{CATEGORIES, CITIES, DEMO_USERS, Generated, MAKES, MODELS, Seed, customer_key};

/// Rows in one statement: past a few hundred the statement's own cost no longer shows.
const BATCH: usize = 500;

const DAY_IN_MILLISECONDS: i64 = 24 * 60 * 60 * 1_000;

impl Repository {
    /// Fills an empty database with the generated fleet: all of it or, if this fails half way, nothing.
    ///
    /// Instances that start at once take turns, so that only the first finds it empty. Returns whether this one did.
    pub(crate) async fn load(&self, seed: Seed) -> Result<bool, RepositoryError> {
        let mut transaction = self.begin_to_fill().await?;
        let any_user = Statement::new(sql::ANY_USER);
        if self.within(&mut transaction, any_user).await?.is_some() {
            return Ok(false);
        }
        self.load_tables(&mut transaction).await?;
        self.load_users(&mut transaction, seed.customers).await?;
        self.load_fleet(&mut transaction, &seed.generate()).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn load_tables(&self, into: &mut Transaction) -> Result<(), RepositoryError> {
        self.insert(into, bulk::MAKES, &MAKES, |number, make| {
            [number.into(), (*make).into()]
        })
        .await?;
        self.insert(into, bulk::CATEGORIES, &CATEGORIES, |number, name| {
            [number.into(), (*name).into()]
        })
        .await?;
        self.insert(into, bulk::MODELS, &MODELS, |number, model| {
            [
                number.into(),
                place(&MAKES, model.make).into(),
                place(&CATEGORIES, model.category).into(),
                model.name.into(),
                model.seats.into(),
            ]
        })
        .await?;
        self.insert(into, bulk::CITIES, &CITIES, |number, city| {
            [number.into(), city.name.into(), city.country.into()]
        })
        .await
    }

    /// The demo users, who have the first numbers, and so many customers.
    async fn load_users(
        &self,
        into: &mut Transaction,
        customers: u32,
    ) -> Result<(), RepositoryError> {
        let demo = DEMO_USERS
            .iter()
            .map(|user| (user.key.to_owned(), user.name.to_owned(), user.tier));
        let customers = (1..=customers).map(|number| {
            let name = format!("Customer {number}");
            (customer_key(number), name, Tier::Standard)
        });
        let users: Vec<_> = demo.chain(customers).collect();
        self.insert(into, bulk::USERS, &users, |number, (key, name, tier)| {
            [
                UserId::numbered(number).as_ref().into(),
                name.as_str().into(),
                tier.as_str().into(),
                blake3::hash(key.as_bytes()).to_hex().as_str().into(),
            ]
        })
        .await
    }

    async fn load_fleet(
        &self,
        into: &mut Transaction,
        generated: &Generated,
    ) -> Result<(), RepositoryError> {
        self.insert(into, bulk::CARS, &generated.cars, |number, car| {
            [
                CarId::numbered(number).as_ref().into(),
                car.model.into(),
                car.city.into(),
                car.year.into(),
                car.licence_plate.as_str().into(),
                car.price_per_day.into(),
            ]
        })
        .await?;
        let today = day::number(generated.date);
        self.insert(
            into,
            bulk::BOOKINGS,
            &generated.bookings,
            |number, booking| {
                let days = booking.to - booking.from;
                [
                    BookingId::numbered(number).as_ref().into(),
                    CarId::numbered(booking.car).as_ref().into(),
                    UserId::numbered(booking.user).as_ref().into(),
                    (today + booking.from).into(),
                    (today + booking.to).into(),
                    (days * generated.cars[booking.car].price_per_day).into(),
                    ((today + booking.made) * DAY_IN_MILLISECONDS).into(),
                ]
            },
        )
        .await
    }

    /// Inserts the items, each with its place among them.
    async fn insert<T, const COLUMNS: usize>(
        &self,
        into: &mut Transaction,
        statement: &'static str,
        items: &[T],
        row: impl Fn(usize, &T) -> [Value; COLUMNS],
    ) -> Result<(), RepositoryError> {
        for (batch, items) in items.chunks(BATCH).enumerate() {
            let numbered = (batch * BATCH..).zip(items);
            let rows = numbered.map(|(number, item)| row(number, item));
            self.within(into, Statement::inserting(statement, rows))
                .await?;
        }
        Ok(())
    }
}

/// The number under which the name was inserted.
fn place(names: &[&str], name: &str) -> Option<i64> {
    let place = names.iter().position(|known| *known == name)?;
    Some(place as i64)
}
