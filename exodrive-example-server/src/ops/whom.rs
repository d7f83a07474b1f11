use std::net::IpAddr;

use exodrive_errors::{ApiError, ErrorCode};
use exodrive_ratelimit::{IpNet, Subject, Whom};

const USER: &str = "user/";

/// Reads whom an order is about as tables show it: an address, a network, or `user/` and an id.
pub(super) fn read(text: &str) -> Result<Whom, ApiError> {
    let text = text.trim();
    if let Some(id) = text.strip_prefix(USER).filter(|id| !id.is_empty()) {
        return Ok(Subject::user(id).into());
    }
    let address = text.parse::<IpAddr>().map(Whom::from);
    let network = || text.parse::<IpNet>().map(Whom::from);
    address.or_else(|_| network()).map_err(|_| {
        ApiError::new(ErrorCode::VALIDATION_ERROR)
            .message("This is nobody")
            .help("Write an address, a network such as 192.0.2.0/24, or user/ and an id.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_shown() {
        for shown in [
            "192.0.2.7/32",
            "192.0.2.0/24",
            "2001:db8::/64",
            "user/user-000001",
        ] {
            assert_eq!(read(shown).unwrap().to_string(), shown);
        }
        assert_eq!(read(" 192.0.2.7 ").unwrap().to_string(), "192.0.2.7/32");
        for nobody in ["", "user/", "everybody", "192.0.2.7/33"] {
            assert!(read(nobody).is_err(), "{nobody}");
        }
    }
}
