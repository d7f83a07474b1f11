use std::net::{Ipv4Addr, SocketAddr};

use crate::domain::{Period, Tier, Today};
use crate::repository::{Repository, RepositoryError};
use crate::seed::DEMO_USERS;

/// How long the car in the example is rented, in days.
const RENTAL_DAYS: i64 = 3;

/// Where the API is and what to type to try it, for the terminal.
pub(super) async fn text(
    address: SocketAddr,
    repository: &Repository,
) -> Result<String, RepositoryError> {
    let base = base_url(address);
    let mut text = format!(
        "The car-rental API listens on {base}\n\nTry:\n  curl -s '{base}/api/v1/fleet?city=berlin&per_page=3'\n"
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

/// A server that listens on every address is reached on this machine by the loopback one.
fn base_url(address: SocketAddr) -> String {
    let ip = address.ip();
    if ip.is_unspecified() {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
        return format!("http://{loopback}");
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_an_address_that_can_be_reached() {
        for (address, url) in [
            ("127.0.0.1:80", "http://127.0.0.1:80"),
            ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("[::]:8080", "http://127.0.0.1:8080"),
            ("[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(base_url(address.parse().unwrap()), url);
        }
    }
}
