//! What clients are told when something goes wrong, and what they can do about it.

mod codes;
mod repository;
mod violations;

pub use self::codes::{
    BOOKING_NOT_FOUND, CAR_HAS_BOOKINGS, CAR_NOT_FOUND, CAR_UNAVAILABLE, CATALOGUE,
    LICENCE_PLATE_TAKEN,
};
pub(crate) use self::violations::{invalid_body, invalid_query, missing_days, wrong_period};
