//! The repository against a real SQLite file.

use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::*;
use crate::domain::{
    BookingId, CarId, FleetFilter, NewCar, Paging, Period, Tier, Today, UpdateCar, UserId,
};
use crate::seed::{DEMO_USERS, Seed};

const TODAY: Date = date(2026, 3, 1);

/// Long after the last generated booking.
const QUIET: Date = date(2027, 3, 1);

/// A small fleet; the folder goes when this does.
struct Fleet {
    repository: Repository,
    folder: TempDir,
}

impl Fleet {
    async fn new(cars: u32, bookings: u32) -> Self {
        let folder = TempDir::new().unwrap();
        let repository = Repository::open(&folder.path().join("fleet.db"))
            .await
            .unwrap();
        let generated = Seed::new(TODAY, cars, bookings).generate();
        repository.load(&generated).await.unwrap();
        Self { repository, folder }
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

#[tokio::test]
async fn books_a_free_car_at_its_price_and_says_it_is_busy_then() {
    let Fleet { repository, .. } = &Fleet::new(1, 0).await;
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

#[tokio::test]
async fn refuses_a_second_booking_for_any_shared_day() {
    let Fleet { repository, .. } = &Fleet::new(2, 0).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lets_exactly_one_of_fifty_concurrent_bookings_win() {
    let Fleet { repository, folder } = &Fleet::new(1, 0).await;
    // A second handle on the same file, as another process would have it.
    let neighbour = Repository::open(&folder.path().join("fleet.db"))
        .await
        .unwrap();

    let mut attempts = JoinSet::new();
    for attempt in 0..50_i64 {
        let repository = [repository, &neighbour][attempt as usize % 2].clone();
        attempts.spawn(async move {
            let period = Period::starting(QUIET + (attempt % 3).days(), 4);
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
    assert_eq!((won, refused), (1, 49));
}

#[tokio::test]
async fn frees_the_car_when_a_booking_is_cancelled_once() {
    let Fleet { repository, .. } = &Fleet::new(1, 0).await;
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

#[tokio::test]
async fn refuses_to_revive_a_booking_whose_days_were_given_away() {
    let Fleet { repository, .. } = &Fleet::new(1, 0).await;
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
    let revived: Result<Option<(String,)>, _> = repository
        .write(sqlx::query_as(revive).bind(cancelled.id.to_string()))
        .await;
    assert!(matches!(revived, Err(RepositoryError::CarUnavailable)));
}

#[tokio::test]
async fn says_it_is_busy_when_another_change_takes_too_long() {
    let Fleet { repository, .. } = &Fleet::new(1, 0).await;
    let _endless = repository.transaction().await.unwrap();
    tokio::time::pause();
    let refused = repository.cancel(&BookingId::numbered(0), now()).await;
    assert!(
        matches!(refused, Err(RepositoryError::Busy(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn does_not_find_what_is_not_there() {
    let Fleet { repository, .. } = &Fleet::new(1, 0).await;
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

#[tokio::test]
async fn adds_a_car_under_the_names_the_tables_know() {
    let Fleet { repository, .. } = &Fleet::new(0, 0).await;
    let car = repository.create_car(&golf()).await.unwrap();
    assert_eq!(car.summary.make, "Volkswagen");
    assert_eq!(car.summary.model, "Golf");
    assert_eq!(car.summary.category, "compact");
    assert_eq!(car.country, "DE");
    assert_eq!(repository.car(&car.summary.id).await.unwrap(), car);
}

#[tokio::test]
async fn refuses_a_car_of_an_unknown_model_or_city_or_with_a_taken_plate() {
    let Fleet { repository, .. } = &Fleet::new(0, 0).await;
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

#[tokio::test]
async fn changes_a_car_and_keeps_what_was_promised() {
    let Fleet { repository, .. } = &Fleet::new(1, 0).await;
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

#[tokio::test]
async fn keeps_a_car_until_its_last_booking_is_over() {
    let Fleet { repository, .. } = &Fleet::new(1, 0).await;
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

#[tokio::test]
async fn lists_every_car_once_over_all_pages_cheapest_first() {
    let Fleet { repository, .. } = &Fleet::new(53, 0).await;
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

#[tokio::test]
async fn filters_by_city_and_category_in_any_case_of_letters() {
    let Fleet { repository, .. } = &Fleet::new(300, 0).await;
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

#[tokio::test]
async fn lists_the_cars_that_are_free_as_their_availability_says() {
    let Fleet { repository, .. } = &Fleet::new(60, 1_200).await;
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

#[tokio::test]
async fn finds_a_car_and_a_day_from_which_nobody_booked_it() {
    let Fleet { repository, .. } = &Fleet::new(5, 200).await;
    let (car, from) = repository.free_forever(TODAY).await.unwrap().unwrap();
    assert!(from >= TODAY);
    let year = Period::starting(from, Period::MAX_DAYS);
    assert!(repository.availability(&car, year).await.unwrap().available);
}

#[tokio::test]
async fn has_a_key_holder_for_every_demo_user() {
    let Fleet { repository, .. } = &Fleet::new(0, 0).await;
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

#[tokio::test]
async fn counts_one_statement_for_each_question() {
    let Fleet { repository, .. } = &Fleet::new(3, 30).await;
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

#[tokio::test]
async fn opens_a_file_again_with_everything_in_it() {
    let Fleet { repository, folder } = Fleet::new(3, 30).await;
    let cars = repository.fleet(&FleetFilter::default()).await.unwrap();
    repository.close().await;

    let reopened = Repository::open(&folder.path().join("fleet.db"))
        .await
        .unwrap();
    assert!(reopened.is_loaded().await.unwrap());
    assert_eq!(reopened.fleet(&FleetFilter::default()).await.unwrap(), cars);
}

#[tokio::test]
async fn refuses_a_file_that_is_no_database() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "not a database, and long enough to tell".repeat(100)).unwrap();
    let refused = Repository::open(&file).await;
    assert!(matches!(refused, Err(RepositoryError::Database(_))));
}
