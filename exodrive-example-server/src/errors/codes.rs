use exodrive_errors::{Catalogue, ErrorCode};
use http::StatusCode;

/// No car of the fleet has the identifier that was asked for.
pub const CAR_NOT_FOUND: ErrorCode = ErrorCode::new("CAR_NOT_FOUND", StatusCode::NOT_FOUND)
    .message("We have no such car")
    .help("List the cars we have with GET /api/v1/fleet and use the id of one of them.");

/// No booking has the identifier that was asked for, or it was cancelled.
pub const BOOKING_NOT_FOUND: ErrorCode = ErrorCode::new("BOOKING_NOT_FOUND", StatusCode::NOT_FOUND)
    .message("There is no such booking, or it was cancelled")
    .help("Use the id that was returned when the booking was made.");

/// Another booking holds the car on one of the days.
pub const CAR_UNAVAILABLE: ErrorCode = ErrorCode::new("CAR_UNAVAILABLE", StatusCode::CONFLICT)
    .message("This car is already booked on at least one of these days")
    .help("See when it is free with GET /api/v1/cars/{id}/availability and choose other days.")
    .help("Or list the cars that are free on these days with GET /api/v1/fleet?from=..&to=...");

/// A car cannot leave the fleet while bookings that are not over hold it.
pub const CAR_HAS_BOOKINGS: ErrorCode = ErrorCode::new("CAR_HAS_BOOKINGS", StatusCode::CONFLICT)
    .message("This car has bookings that are not over yet")
    .help("Cancel them with DELETE /api/v1/bookings/{id}, or wait until the car is returned.");

/// Two cars of the fleet cannot have the same licence plate.
pub const LICENCE_PLATE_TAKEN: ErrorCode =
    ErrorCode::new("LICENCE_PLATE_TAKEN", StatusCode::CONFLICT)
        .message("Another car of the fleet already has this licence plate")
        .help("Check the plate; if it is right, correct or remove the other car first.");

/// Every code this service answers with; it is served at `GET /errors`.
pub const CATALOGUE: Catalogue = Catalogue::new(&[
    CAR_NOT_FOUND,
    BOOKING_NOT_FOUND,
    CAR_UNAVAILABLE,
    CAR_HAS_BOOKINGS,
    LICENCE_PLATE_TAKEN,
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_this_service_says_what_to_do_next() {
        for code in [
            CAR_NOT_FOUND,
            BOOKING_NOT_FOUND,
            CAR_UNAVAILABLE,
            CAR_HAS_BOOKINGS,
            LICENCE_PLATE_TAKEN,
        ] {
            assert!(!code.steps().is_empty(), "{code}");
            assert_eq!(CATALOGUE.find(code.name()), Some(code));
        }
    }
}
