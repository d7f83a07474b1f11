//! The repository against a real SQLite file and a real PostgreSQL server.

use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::statement::Statement;
use super::*;
use crate::auth::ApiKeys;
use crate::config::DatabaseUrl;
use crate::domain::{
    BookingId, CarId, FleetFilter, NewCar, Paging, Period, Tier, Today, UpdateCar, UserId,
};
use crate::seed::{DEMO_USERS, Seed, customer_key};
use crate::testing::{Engine, TestDatabase, test_on_each_database};

test_on_each_database!(
    books_a_free_car_at_its_price_and_says_it_is_busy_then,
    refuses_a_second_booking_for_any_shared_day,
    lets_exactly_one_of_many_concurrent_bookings_win,
    never_books_a_car_that_leaves_the_fleet_at_once,
    is_filled_once_by_instances_that_start_at_once,
    knows_the_key_of_every_customer_it_is_filled_with,
    frees_the_car_when_a_booking_is_cancelled_once,
    refuses_to_revive_a_booking_whose_days_were_given_away,
    does_not_find_what_is_not_there,
    adds_a_car_under_the_names_the_tables_know,
    refuses_a_car_of_an_unknown_model_or_city_or_with_a_taken_plate,
    changes_a_car_and_keeps_what_was_promised,
    keeps_a_car_until_its_last_booking_is_over,
    lists_every_car_once_over_all_pages_cheapest_first,
    filters_by_city_and_category_in_any_case_of_letters,
    lists_the_cars_that_are_free_as_their_availability_says,
    finds_a_car_and_a_day_from_which_nobody_booked_it,
    has_a_key_holder_for_every_demo_user,
    counts_one_statement_for_each_question,
    opens_a_database_again_with_everything_in_it,
);

const TODAY: Date = date(2026, 3, 1);

/// Long after the last generated booking.
const QUIET: Date = date(2027, 3, 1);

/// A small fleet; the database goes when this does.
struct Fleet {
    repository: Repository,
    database: TestDatabase,
}

impl Fleet {
    async fn new(engine: Engine, cars: u32, bookings: u32) -> Self {
        let database = TestDatabase::new(engine).await;
        let repository = Repository::open(&database.url).await.unwrap();
        let seed = Seed::new(TODAY, cars, bookings);
        assert!(repository.load(seed).await.unwrap());
        Self {
            repository,
            database,
        }
    }
}

fn first_car() -> CarId {
    CarId::numbered(0)
}

fn customer() -> UserId {
    UserId::numbered(0)
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn golf() -> NewCar {
    serde_json::from_str(
        r#"{"make": "volkswagen", "model": "GOLF", "city": "Berlin", "year": 2026,
            "licencePlate": "B-NE 1", "pricePerDayCents": 4500}"#,
    )
    .unwrap()
}

fn moved_to(city: &str, licence_plate: &str) -> UpdateCar {
    serde_json::from_value(serde_json::json!({
        "city": city, "licencePlate": licence_plate, "pricePerDayCents": 9_900,
    }))
    .unwrap()
}

async fn books_a_free_car_at_its_price_and_says_it_is_busy_then(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 1, 0).await;
    let car = repository.car(&first_car()).await.unwrap();
    let price = car.summary.price_per_day_cents;
    let period = Period::starting(QUIET, 3);

    let booking = repository
        .book(&first_car(), &customer(), period, now())
        .await
        .unwrap();
    assert_eq!(booking.total_cents, 3 * price);
    assert_eq!(repository.booking(&booking.id).await.unwrap(), booking);

    let asked = Period::starting(QUIET + 2.days(), 7);
    let availability = repository.availability(&first_car(), asked).await.unwrap();
    assert!(!availability.available);
    assert_eq!(availability.busy, [period]);
    assert_eq!(availability.total_cents, 7 * price);

    let after = Period::starting(period.to(), 7);
    let availability = repository.availability(&first_car(), after).await.unwrap();
    assert!(availability.available);
    assert!(availability.busy.is_empty());
}

async fn refuses_a_second_booking_for_any_shared_day(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 2, 0).await;
    let book = async |car: CarId, from: Date, days: i64| {
        repository
            .book(&car, &customer(), Period::starting(from, days), now())
            .await
    };
    book(first_car(), QUIET, 5).await.unwrap();

    for (from, days) in [(QUIET, 5), (QUIET - 2.days(), 3), (QUIET + 4.days(), 9)] {
        let refused = book(first_car(), from, days).await;
        assert!(matches!(refused, Err(RepositoryError::CarUnavailable)));
    }
    book(first_car(), QUIET - 2.days(), 2).await.unwrap();
    book(first_car(), QUIET + 5.days(), 2).await.unwrap();
    book(CarId::numbered(1), QUIET, 5).await.unwrap();
}

async fn lets_exactly_one_of_many_concurrent_bookings_win(engine: Engine) {
    const ATTEMPTS: usize = 200;
    let Fleet {
        repository,
        database,
    } = &Fleet::new(engine, 1, 0).await;
    // A second handle on the same database, as another process would have it.
    let neighbour = Repository::open(&database.url).await.unwrap();

    let mut attempts = JoinSet::new();
    for attempt in 0..ATTEMPTS {
        let repository = [repository, &neighbour][attempt % 2].clone();
        attempts.spawn(async move {
            let period = Period::starting(QUIET + (attempt as i64 % 3).days(), 4);
            repository
                .book(&first_car(), &customer(), period, now())
                .await
        });
    }
    let outcomes = attempts.join_all().await;

    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let refused = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(RepositoryError::CarUnavailable)))
        .count();
    assert_eq!((won, refused), (1, ATTEMPTS - 1));
}

async fn never_books_a_car_that_leaves_the_fleet_at_once(engine: Engine) {
    let Fleet {
        repository,
        database,
    } = &Fleet::new(engine, 30, 0).await;
    let neighbour = &Repository::open(&database.url).await.unwrap();
    for number in 0..30 {
        let car = CarId::numbered(number);
        let user = customer();
        let (booked, deleted) = tokio::join!(
            repository.book(&car, &user, Period::starting(QUIET, 1), now()),
            neighbour.delete_car(&car, Today::new(TODAY), now()),
        );
        match (booked, deleted) {
            (Ok(_), Err(RepositoryError::CarHasBookings))
            | (Err(RepositoryError::CarNotFound), Ok(())) => {}
            both => panic!("{both:?}"),
        }
    }
}

async fn is_filled_once_by_instances_that_start_at_once(engine: Engine) {
    let database = &TestDatabase::new(engine).await;
    let instance = async || Repository::open(&database.url).await.unwrap();
    let (first, second, third) = (instance().await, instance().await, instance().await);
    let seed = Seed::new(TODAY, 50, 500);
    let filled = tokio::try_join!(first.load(seed), second.load(seed), third.load(seed)).unwrap();
    let filled = [filled.0, filled.1, filled.2];
    assert_eq!(filled.iter().filter(|filled| **filled).count(), 1);
    let fleet = first.fleet(&FleetFilter::default()).await.unwrap();
    assert_eq!(fleet.total, 50);
}

async fn knows_the_key_of_every_customer_it_is_filled_with(engine: Engine) {
    let database = &TestDatabase::new(engine).await;
    let repository = Repository::open(&database.url).await.unwrap();
    let seed = Seed::new(TODAY, 0, 0).customers(3);
    repository.load(seed).await.unwrap();
    let keys = ApiKeys::load(&repository).await.unwrap();
    assert_eq!(keys.user(&customer_key(3)).unwrap().tier, Tier::Standard);
    assert_eq!(keys.user(&customer_key(4)), None);
}

async fn frees_the_car_when_a_booking_is_cancelled_once(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 1, 0).await;
    let period = Period::starting(QUIET, 3);
    let booking = repository
        .book(&first_car(), &customer(), period, now())
        .await
        .unwrap();

    assert_eq!(
        repository.cancel(&booking.id, now()).await.unwrap(),
        booking
    );
    let again = repository.cancel(&booking.id, now()).await;
    assert!(matches!(again, Err(RepositoryError::BookingNotFound)));
    let gone = repository.booking(&booking.id).await;
    assert!(matches!(gone, Err(RepositoryError::BookingNotFound)));

    repository
        .book(&first_car(), &customer(), period, now())
        .await
        .unwrap();
}

async fn refuses_to_revive_a_booking_whose_days_were_given_away(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 1, 0).await;
    let period = Period::starting(QUIET, 3);
    let book = async || {
        repository
            .book(&first_car(), &customer(), period, now())
            .await
            .unwrap()
    };
    let cancelled = repository.cancel(&book().await.id, now()).await.unwrap();
    book().await;

    let revive = "UPDATE bookings SET cancelled_at = NULL WHERE id = $1 RETURNING id";
    let revived: Result<Option<()>, _> = repository
        .write(Statement::new(revive).bind(cancelled.id.as_ref()))
        .await;
    assert!(matches!(revived, Err(RepositoryError::CarUnavailable)));
}

#[tokio::test]
async fn says_it_is_busy_when_another_change_takes_too_long() {
    let Fleet { repository, .. } = &Fleet::new(Engine::Sqlite, 1, 0).await;
    let _endless = repository.begin_to_fill().await.unwrap();
    tokio::time::pause();
    let refused = repository.cancel(&BookingId::numbered(0), now()).await;
    assert!(
        matches!(refused, Err(RepositoryError::Busy(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn says_it_is_busy_when_a_statement_takes_too_long() {
    let Fleet { repository, .. } = &Fleet::new(Engine::Postgres, 1, 0).await;
    let mut transaction = repository.begin_to_fill().await.unwrap();
    let impatient = Statement::new("SET LOCAL statement_timeout = 1");
    repository
        .within(&mut transaction, impatient)
        .await
        .unwrap();
    let slow = Statement::new("SELECT pg_sleep(60)");
    let refused = repository.within(&mut transaction, slow).await;
    assert!(matches!(refused, Err(RepositoryError::Busy(_))));
}

async fn does_not_find_what_is_not_there(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 1, 0).await;
    let car = CarId::numbered(99);
    let period = Period::starting(QUIET, 1);
    let answers = [
        repository.car(&car).await.err(),
        repository.availability(&car, period).await.err(),
        repository
            .book(&car, &customer(), period, now())
            .await
            .err(),
        repository
            .update_car(&car, &moved_to("Berlin", "B 1"))
            .await
            .err(),
        repository
            .delete_car(&car, Today::new(TODAY), now())
            .await
            .err(),
    ];
    for answer in answers {
        assert!(
            matches!(answer, Some(RepositoryError::CarNotFound)),
            "{answer:?}"
        );
    }
    let booking = repository.booking(&BookingId::numbered(99)).await;
    assert!(matches!(booking, Err(RepositoryError::BookingNotFound)));
}

async fn adds_a_car_under_the_names_the_tables_know(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 0, 0).await;
    let car = repository.create_car(&golf()).await.unwrap();
    assert_eq!(car.summary.make, "Volkswagen");
    assert_eq!(car.summary.model, "Golf");
    assert_eq!(car.summary.category, "compact");
    assert_eq!(car.country, "DE");
    assert_eq!(repository.car(&car.summary.id).await.unwrap(), car);
}

async fn refuses_a_car_of_an_unknown_model_or_city_or_with_a_taken_plate(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 0, 0).await;
    let mut car = golf();
    car.make = "Opel".to_owned();
    let refused = repository.create_car(&car).await;
    assert!(matches!(refused, Err(RepositoryError::UnknownModel)));

    let mut car = golf();
    car.city = "Atlantis".to_owned();
    let refused = repository.create_car(&car).await;
    assert!(matches!(refused, Err(RepositoryError::UnknownCity)));

    repository.create_car(&golf()).await.unwrap();
    let refused = repository.create_car(&golf()).await;
    assert!(matches!(refused, Err(RepositoryError::LicencePlateTaken)));
}

async fn changes_a_car_and_keeps_what_was_promised(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 1, 0).await;
    let period = Period::starting(QUIET, 2);
    let booking = repository
        .book(&first_car(), &customer(), period, now())
        .await
        .unwrap();

    let update = moved_to("paris", "PA-RI 5");
    let car = repository.update_car(&first_car(), &update).await.unwrap();
    assert_eq!(car.summary.city, "Paris");
    assert_eq!(car.licence_plate, "PA-RI 5");
    assert_eq!(car.summary.price_per_day_cents, 9_900);
    assert_eq!(repository.booking(&booking.id).await.unwrap(), booking);

    let refused = repository
        .update_car(&first_car(), &moved_to("Atlantis", "PA-RI 5"))
        .await;
    assert!(matches!(refused, Err(RepositoryError::UnknownCity)));
}

async fn keeps_a_car_until_its_last_booking_is_over(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 1, 0).await;
    let period = Period::starting(QUIET, 3);
    repository
        .book(&first_car(), &customer(), period, now())
        .await
        .unwrap();

    let last_day = Today::new(QUIET + 2.days());
    let refused = repository.delete_car(&first_car(), last_day, now()).await;
    assert!(matches!(refused, Err(RepositoryError::CarHasBookings)));

    let returned = Today::new(period.to());
    repository
        .delete_car(&first_car(), returned, now())
        .await
        .unwrap();
    let gone = repository.car(&first_car()).await;
    assert!(matches!(gone, Err(RepositoryError::CarNotFound)));
    assert_eq!(
        repository
            .fleet(&FleetFilter::default())
            .await
            .unwrap()
            .total,
        0
    );
}

async fn lists_every_car_once_over_all_pages_cheapest_first(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 53, 0).await;
    let mut cars = Vec::new();
    for page in 1..=4 {
        let filter = FleetFilter {
            paging: Paging::new(page, 20),
            ..FleetFilter::default()
        };
        let answer = repository.fleet(&filter).await.unwrap();
        assert_eq!(answer.total, 53);
        cars.extend(answer.cars);
        let range = answer.price_range.unwrap();
        assert_eq!(range.min_cents, cars[0].price_per_day_cents);
    }
    let mut ids: Vec<&CarId> = cars.iter().map(|car| &car.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 53);
    assert!(cars.is_sorted_by_key(|car| car.price_per_day_cents));
}

async fn filters_by_city_and_category_in_any_case_of_letters(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 300, 0).await;
    let filter = FleetFilter {
        city: Some("BERLIN".to_owned()),
        category: Some("Compact".to_owned()),
        ..FleetFilter::default()
    };
    let answer = repository.fleet(&filter).await.unwrap();
    assert!(!answer.cars.is_empty());
    assert_eq!(answer.total, answer.cars.len() as i64);
    for car in &answer.cars {
        assert_eq!((&*car.city, &*car.category), ("Berlin", "compact"));
    }

    let nowhere = FleetFilter {
        city: Some("Atlantis".to_owned()),
        ..FleetFilter::default()
    };
    let answer = repository.fleet(&nowhere).await.unwrap();
    assert_eq!((answer.total, answer.price_range), (0, None));
    assert!(answer.cars.is_empty());
}

async fn lists_the_cars_that_are_free_as_their_availability_says(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 60, 1_200).await;
    let period = Period::starting(TODAY, 4);
    let filter = FleetFilter {
        free_in: Some(period),
        paging: Paging::new(1, 100),
        ..FleetFilter::default()
    };
    let listed: Vec<CarId> = repository
        .fleet(&filter)
        .await
        .unwrap()
        .cars
        .into_iter()
        .map(|car| car.id)
        .collect();

    let mut free = 0;
    for number in 0..60 {
        let car = CarId::numbered(number);
        let availability = repository.availability(&car, period).await.unwrap();
        assert_eq!(availability.available, listed.contains(&car), "{car}");
        free += usize::from(availability.available);
    }
    assert!((1..60).contains(&free), "{free}");
}

async fn finds_a_car_and_a_day_from_which_nobody_booked_it(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 5, 200).await;
    let (car, from) = repository.free_forever(TODAY).await.unwrap().unwrap();
    assert!(from >= TODAY);
    let year = Period::starting(from, Period::MAX_DAYS);
    assert!(repository.availability(&car, year).await.unwrap().available);
}

async fn has_a_key_holder_for_every_demo_user(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 0, 0).await;
    let holders = repository.key_holders().await.unwrap();
    assert_eq!(holders.len(), DEMO_USERS.len());
    for demo in DEMO_USERS {
        let hash = blake3::hash(demo.key.as_bytes());
        let holder = holders
            .iter()
            .find(|holder| holder.key_hash == hash)
            .unwrap();
        assert_eq!(holder.user.name, demo.name);
        assert_eq!(holder.user.tier, demo.tier);
        assert_eq!(
            holder.user.is_administrator(),
            demo.tier == Tier::Administrator
        );
    }
}

async fn counts_one_statement_for_each_question(engine: Engine) {
    let Fleet { repository, .. } = &Fleet::new(engine, 3, 30).await;
    let before = repository.queries();
    repository.fleet(&FleetFilter::default()).await.unwrap();
    repository.car(&first_car()).await.unwrap();
    repository
        .availability(&first_car(), Period::starting(TODAY, 3))
        .await
        .unwrap();
    repository.ping().await.unwrap();
    assert_eq!(repository.queries() - before, 4);
}

async fn opens_a_database_again_with_everything_in_it(engine: Engine) {
    let Fleet {
        repository,
        database,
    } = Fleet::new(engine, 3, 30).await;
    let cars = repository.fleet(&FleetFilter::default()).await.unwrap();
    repository.close().await;

    let reopened = Repository::open(&database.url).await.unwrap();
    assert!(!reopened.load(Seed::new(TODAY, 4, 0)).await.unwrap());
    assert_eq!(reopened.fleet(&FleetFilter::default()).await.unwrap(), cars);
}

#[tokio::test]
async fn refuses_a_file_that_is_no_database() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "not a database, and long enough to tell".repeat(100)).unwrap();
    let refused = Repository::open(&DatabaseUrl::Sqlite(file)).await;
    assert!(matches!(refused, Err(RepositoryError::Database(_))));
}
