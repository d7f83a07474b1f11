use std::iter;

use jiff::civil::Date;

use super::splitmix::SplitMix64;
use super::tables::{CITIES, City, MODELS, Model};
use super::users::DEMO_USERS;
use crate::domain::Tier;

/// How long rentals last, in days: weekends and short trips mostly, now and then a holiday.
const RENTAL_DAYS: [i64; 12] = [1, 2, 2, 3, 3, 3, 4, 5, 7, 7, 10, 14];

/// The most days a car stands between two rentals.
const IDLE_DAYS: i64 = 4;

/// The days from the start of one rental to the start of the next, on average, times ten.
const STEP_TENTHS: i64 = 71;

/// What the generated fleet follows from: the same values give the same fleet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Seed {
    /// The day around which the bookings lie: most before it, the rest after.
    pub date: Date,
    /// How many cars.
    pub cars: u32,
    /// How many bookings, over all cars.
    pub bookings: u32,
    /// How many customers besides the demo users; the fleet does not depend on it.
    pub customers: u32,
}

/// A fleet with its bookings, ready to be loaded.
#[derive(Debug, PartialEq)]
pub(crate) struct Generated {
    pub(crate) date: Date,
    pub(crate) cars: Vec<GeneratedCar>,
    pub(crate) bookings: Vec<GeneratedBooking>,
}

/// A car; its model and city are places in the tables.
#[derive(Debug, PartialEq)]
pub(crate) struct GeneratedCar {
    pub(crate) model: usize,
    pub(crate) city: usize,
    pub(crate) year: i64,
    pub(crate) licence_plate: String,
    pub(crate) price_per_day: i64,
}

/// A booking; its car and user are places in the fleet and among the demo users, its days are counted from the
/// date of the seed.
#[derive(Debug, PartialEq)]
pub(crate) struct GeneratedBooking {
    pub(crate) car: usize,
    pub(crate) user: usize,
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// The day it was made, never after the date of the seed.
    pub(crate) made: i64,
}

impl Seed {
    /// The most bookings one car can have on average; they would reach over several years.
    pub const MAX_BOOKINGS_PER_CAR: u32 = 365;

    /// A fleet of so many cars with so many bookings around that day, and no customers but the demo users.
    #[must_use]
    pub fn new(date: Date, cars: u32, bookings: u32) -> Self {
        Self {
            date,
            cars,
            bookings,
            customers: 0,
        }
    }

    /// The same with so many customers, each with the key that [`customer_key`](super::customer_key) names.
    #[must_use]
    pub fn customers(self, customers: u32) -> Self {
        Self { customers, ..self }
    }

    /// Makes the fleet.
    pub(crate) fn generate(self) -> Generated {
        let mut random = SplitMix64::new(self.fingerprint());
        let cars: Vec<GeneratedCar> = (0..self.cars as usize)
            .map(|number| car(number, i64::from(self.date.year()), &mut random))
            .collect();
        let mut bookings = Vec::with_capacity(self.bookings as usize);
        for (car, count) in self.bookings_by_car(&mut random).into_iter().enumerate() {
            bookings.extend(bookings_of(car, count, &mut random));
        }
        Generated {
            date: self.date,
            cars,
            bookings,
        }
    }

    fn fingerprint(self) -> u64 {
        let day = i64::from(self.date.year()) * 366 + i64::from(self.date.day_of_year());
        let sizes = u64::from(self.cars) << 32 | u64::from(self.bookings);
        // Mixed before they meet the day, so that one more car cannot look like one more day.
        SplitMix64::new(sizes).next() ^ day.unsigned_abs()
    }

    /// How many bookings each car has: some are popular at the expense of their neighbour, the sum is exact.
    fn bookings_by_car(self, random: &mut SplitMix64) -> Vec<i64> {
        let (cars, bookings) = (self.cars as usize, self.bookings as usize);
        let mut counts: Vec<i64> = (0..cars)
            .map(|car| (bookings / cars + usize::from(car < bookings % cars)) as i64)
            .collect();
        for pair in counts.chunks_exact_mut(2) {
            let moved = random.between(0, pair[1] / 3);
            pair[0] += moved;
            pair[1] -= moved;
        }
        counts
    }
}

fn car(number: usize, newest: i64, random: &mut SplitMix64) -> GeneratedCar {
    let model = random.below(MODELS.len());
    let city = random.below(CITIES.len());
    let age = random.between(0, 5);
    GeneratedCar {
        model,
        city,
        year: newest - age,
        licence_plate: licence_plate(&CITIES[city], number),
        price_per_day: price_per_day(&MODELS[model], &CITIES[city], age),
    }
}

/// Distinct for every number below 6,760,000.
fn licence_plate(city: &City, number: usize) -> String {
    // 7,919 shares no factor with 10,000, so the digits run through all their values in an order that looks mixed.
    let digits = number * 7_919 % 10_000;
    let letter = |place: usize| char::from(b'A' + (place % 26) as u8);
    let block = number / 10_000;
    format!(
        "{}-{}{} {digits:04}",
        city.plate,
        letter(block / 26),
        letter(block)
    )
}

/// Four percent less for each year of age, in steps of 50 cents.
fn price_per_day(model: &Model, city: &City, age: i64) -> i64 {
    let exact = model.day_cents * city.price_percent * (100 - 4 * age) / 10_000;
    (exact + 25) / 50 * 50
}

/// So many rentals one after the other, three in five of them before the date of the seed.
fn bookings_of(
    car: usize,
    count: i64,
    random: &mut SplitMix64,
) -> impl Iterator<Item = GeneratedBooking> {
    let customers = DEMO_USERS
        .iter()
        .filter(|user| user.tier != Tier::Administrator)
        .count();
    let mut free_from = -(count * STEP_TENTHS * 6 / 100) - random.between(0, 2 * IDLE_DAYS);
    iter::repeat_with(move || {
        let from = free_from + random.between(0, IDLE_DAYS);
        let to = from + random.pick(&RENTAL_DAYS);
        free_from = to;
        GeneratedBooking {
            car,
            user: random.below(customers),
            from,
            to,
            made: (from - random.between(1, 30)).min(-1),
        }
    })
    .take(count as usize)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jiff::civil::date;

    use super::*;

    const SEED: Seed = Seed {
        date: date(2026, 3, 1),
        cars: 300,
        bookings: 7_501,
        customers: 0,
    };

    #[test]
    fn is_the_same_for_the_same_seed() {
        assert_eq!(SEED.generate(), SEED.generate());
    }

    #[test]
    fn differs_with_the_date_and_with_either_size() {
        let cars = SEED.generate().cars;
        for other in [
            Seed::new(date(2026, 3, 2), SEED.cars, SEED.bookings),
            Seed::new(SEED.date, SEED.cars + 1, SEED.bookings),
            Seed::new(SEED.date, SEED.cars, SEED.bookings + 1),
        ] {
            assert_ne!(other.generate().cars[..300], cars[..], "{other:?}");
        }
    }

    #[test]
    fn makes_exactly_as_much_as_asked() {
        for (cars, bookings) in [(0, 0), (1, 0), (1, 7), (3, 2), (7, 100)] {
            let generated = Seed::new(SEED.date, cars, bookings).generate();
            assert_eq!(generated.cars.len(), cars as usize);
            assert_eq!(generated.bookings.len(), bookings as usize);
        }
    }

    #[test]
    fn never_books_a_car_twice_for_a_day() {
        let mut bookings = SEED.generate().bookings;
        bookings.sort_by_key(|booking| (booking.car, booking.from));
        for pair in bookings.windows(2) {
            assert!(pair[0].from < pair[0].to);
            assert!(pair[0].car != pair[1].car || pair[0].to <= pair[1].from);
        }
    }

    #[test]
    fn surrounds_the_date_with_bookings() {
        let bookings = SEED.generate().bookings;
        let before = bookings.iter().filter(|booking| booking.to <= 0).count();
        let after = bookings.iter().filter(|booking| booking.from > 0).count();
        assert!(before > bookings.len() / 2, "{before}");
        assert!(after > bookings.len() / 4, "{after}");
        assert!(bookings.iter().all(|booking| booking.made < 0));
    }

    #[test]
    fn gives_every_car_a_licence_plate_of_its_own() {
        let plates: HashSet<String> = (0..30_000)
            .map(|number| licence_plate(&CITIES[number % CITIES.len()], number))
            .collect();
        assert_eq!(plates.len(), 30_000);
    }

    #[test]
    fn asks_less_for_an_older_car() {
        let (model, city) = (&MODELS[15], &CITIES[2]);
        assert_eq!(price_per_day(model, city, 0), 4_300);
        assert_eq!(price_per_day(model, city, 5), 3_450);
    }
}
