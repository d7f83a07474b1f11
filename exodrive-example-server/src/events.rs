//! What happened to the fleet and its bookings, told after it is committed.
//!
//! Cached answers made from older data go when these are published.

use exodrive_cache::Event;

use crate::domain::{Booking, BookingId, CarId, Period};

/// A car was promised to someone.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct BookingCreated {
    /// The new booking.
    pub booking_id: BookingId,
    /// The car it holds.
    pub car_id: CarId,
    /// The days it holds it for.
    pub period: Period,
}

/// A promise was undone.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct BookingCancelled {
    /// The booking that is no more.
    pub booking_id: BookingId,
    /// The car it held.
    pub car_id: CarId,
    /// The days it held it for.
    pub period: Period,
}

/// A car came into the fleet.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CarCreated {
    /// The new car.
    pub car_id: CarId,
}

/// Something about a car changed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CarUpdated {
    /// The changed car.
    pub car_id: CarId,
}

/// A car left the fleet.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CarDeleted {
    /// The car that is gone.
    pub car_id: CarId,
}

impl Event for BookingCreated {
    const NAME: &'static str = "booking.created";
}

impl Event for BookingCancelled {
    const NAME: &'static str = "booking.cancelled";
}

impl Event for CarCreated {
    const NAME: &'static str = "car.created";
}

impl Event for CarUpdated {
    const NAME: &'static str = "car.updated";
}

impl Event for CarDeleted {
    const NAME: &'static str = "car.deleted";
}

impl From<&Booking> for BookingCreated {
    fn from(booking: &Booking) -> Self {
        Self {
            booking_id: booking.id.clone(),
            car_id: booking.car_id.clone(),
            period: booking.period,
        }
    }
}

impl From<&Booking> for BookingCancelled {
    fn from(booking: &Booking) -> Self {
        Self {
            booking_id: booking.id.clone(),
            car_id: booking.car_id.clone(),
            period: booking.period,
        }
    }
}
