//! How long answers are kept, and what makes them go earlier.

use std::time::Duration;

use exodrive_cache::{BuildError, Cache, CachePolicy, Credentials, Event, Tag, tag};

use crate::answers::Answers;
use crate::domain::CarId;
use crate::events::{BookingCancelled, BookingCreated, CarCreated, CarDeleted, CarUpdated};

const MINUTE: Duration = Duration::from_mins(1);

/// The policies `fleet`, `car` and `availability`, and which event makes which of their answers outdated.
///
/// A fleet listing whose hour is over is still served while a new one is made, and as long as the database fails;
/// one that an event made outdated never is.
/// None of these answers depends on who asks, so users with a key share them with everyone else.
/// An availability also shows the price, so a change of the car counts for it as well as a booking; and a list of
/// the cars that are free on some days changes with every booking.
///
/// # Errors
///
/// If the policies contradict each other.
pub fn cache(answers: Answers) -> Result<Cache<Answers>, BuildError> {
    Cache::builder(answers)
        .policy(
            "fleet",
            CachePolicy::ttl(60 * MINUTE)
                .credentials(Credentials::shared())
                .route("/api/v1/fleet")
                .query(["city", "category", "from", "to", "page", "per_page"])
                .stale_while_revalidate(MINUTE)
                .stale_if_error(60 * MINUTE),
        )
        .policy(
            "car",
            CachePolicy::ttl(30 * MINUTE)
                .credentials(Credentials::shared())
                .route("/api/v1/cars/{id}")
                .tag("car:{id}"),
        )
        .policy(
            "availability",
            CachePolicy::ttl(5 * MINUTE)
                .credentials(Credentials::shared())
                .route("/api/v1/cars/{id}/availability")
                .query(["from", "to"])
                .tag("availability:{id}"),
        )
        .on(|event: &BookingCreated| of_booking(&event.car_id))
        .on(|event: &BookingCancelled| of_booking(&event.car_id))
        .on(|_: &CarCreated| [fleet()])
        .on(|event: &CarUpdated| of_car(&event.car_id))
        .on(|event: &CarDeleted| of_car(&event.car_id))
        .build()
}

/// What an event of this name about this car makes outdated; nothing if there is no such event.
pub(crate) fn outdated_by(event: &str, car: &CarId) -> Option<Vec<Tag>> {
    Some(match event {
        BookingCreated::NAME | BookingCancelled::NAME => of_booking(car).into(),
        CarCreated::NAME => vec![fleet()],
        CarUpdated::NAME | CarDeleted::NAME => of_car(car).into(),
        _ => return None,
    })
}

fn of_booking(id: &CarId) -> [Tag; 2] {
    [availability(id), free_cars()]
}

fn of_car(id: &CarId) -> [Tag; 3] {
    [fleet(), car(id), availability(id)]
}

/// Carried by the lists of cars that are free on some days.
pub(crate) fn free_cars() -> Tag {
    tag!("free-cars")
}

fn fleet() -> Tag {
    tag!("fleet")
}

fn car(id: &CarId) -> Tag {
    tag!("car:{id}")
}

fn availability(id: &CarId) -> Tag {
    tag!("availability:{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_policies_it_names() {
        let cache = cache(Answers::new(None)).unwrap();
        for policy in ["fleet", "car", "availability"] {
            assert!(cache.layer(policy).is_ok(), "{policy}");
        }
    }
}
