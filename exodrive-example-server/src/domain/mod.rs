//! What the service is about: cars, fleets, periods, bookings and the people who make them.
//!
//! Nothing here knows of HTTP or of a database.
//! Money is whole cents, days are civil dates, and a [`Period`] cannot be empty.

mod availability;
mod booking;
mod car;
mod fleet;
mod id;
mod period;
pub(crate) mod rules;
mod today;
mod user;

pub use self::availability::Availability;
pub use self::booking::{Booking, MAX_RENTAL_DAYS, NewBooking};
pub use self::car::{Car, CarSummary, NewCar, UpdateCar};
pub use self::fleet::{FleetFilter, FleetPage, Paging, PriceRange};
pub use self::id::{BookingId, CarId, IdError, UserId};
pub use self::period::{Period, PeriodError};
pub use self::today::Today;
pub use self::user::{Tier, User};
