use std::net::SocketAddr;

use super::healthcheck::reachable;
use crate::domain::{Period, Tier, Today};
use crate::repository::{Repository, RepositoryError};
use crate::seed::DEMO_USERS;

/// How long the car in the example is rented, in days.
const RENTAL_DAYS: i64 = 3;

/// Where the API is and what to type to try it, for the terminal.
pub(super) async fn text(
    address: SocketAddr,
    operations: SocketAddr,
    repository: &Repository,
) -> Result<String, RepositoryError> {
    let base = format!("http://{}", reachable(address));
    let operations = reachable(operations);
    let mut text = format!(
        "The car-rental API listens on {base}\n\nDocumentation: {base}/docs\nOperations: http://{operations}\n\nTry:\n  curl -s '{base}/api/v1/fleet?city=berlin&per_page=3'\n"
    );
    let tomorrow = Period::starting(Today::utc().date(), 1).to();
    if let Some((car, free_from)) = repository.free_forever(tomorrow).await? {
        let rental = Period::starting(free_from, RENTAL_DAYS);
        let (from, to) = (rental.from(), rental.to());
        let key = DEMO_USERS
            .iter()
            .find(|user| user.tier == Tier::Premium)
            .map_or("", |user| user.key);
        text += &format!(
            "  curl -s '{base}/api/v1/cars/{car}/availability?from={from}&to={to}'\n  \
             curl -s {base}/api/v1/bookings -H 'Authorization: Bearer {key}' \
             -H 'Content-Type: application/json' \
             -d '{{\"carId\":\"{car}\",\"from\":\"{from}\",\"to\":\"{to}\"}}'\n"
        );
    }
    Ok(text)
}
