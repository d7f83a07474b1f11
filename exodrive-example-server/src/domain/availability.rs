use serde::Serialize;
use utoipa::ToSchema;

use super::{CarId, Period};

/// Whether a car is free in a period, and what it would cost.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Availability {
    /// Which car.
    pub car_id: CarId,
    /// The days that were asked about.
    #[serde(flatten)]
    pub period: Period,
    /// Whether the car is free on every one of them.
    pub available: bool,
    /// When it is not: the bookings that touch the period, in order.
    pub busy: Vec<Period>,
    /// The rent for one day, in cents.
    pub price_per_day_cents: i64,
    /// The rent for the whole period, in cents.
    pub total_cents: i64,
}

impl Availability {
    /// What the bookings in `busy` leave of `period`.
    pub(crate) fn new(
        car_id: CarId,
        period: Period,
        busy: Vec<Period>,
        price_per_day_cents: i64,
    ) -> Self {
        Self {
            car_id,
            period,
            available: !busy.iter().any(|booked| booked.overlaps(period)),
            busy,
            price_per_day_cents,
            total_cents: price_per_day_cents.saturating_mul(period.days()),
        }
    }
}
