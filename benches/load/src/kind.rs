//! The kinds of requests.

use http::StatusCode;

/// What a request is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Fleet,
    FreeCars,
    Car,
    Availability,
    /// A car that is not there.
    UnknownCar,
    /// From one client who asks five times as often as the limit admits.
    Greedy,
    Booking,
    /// Of a car that is booked for these days already.
    Clash,
    Cancellation,
    PriceChange,
}

impl Kind {
    pub(crate) const ALL: [Self; 10] = [
        Self::Fleet,
        Self::FreeCars,
        Self::Car,
        Self::Availability,
        Self::UnknownCar,
        Self::Greedy,
        Self::Booking,
        Self::Clash,
        Self::Cancellation,
        Self::PriceChange,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fleet => "fleet",
            Self::FreeCars => "fleet, free on some days",
            Self::Car => "car",
            Self::Availability => "availability",
            Self::UnknownCar => "car that is not there",
            Self::Greedy => "fleet, a client over its limit",
            Self::Booking => "booking",
            Self::Clash => "booking of a taken car",
            Self::Cancellation => "cancellation",
            Self::PriceChange => "price change",
        }
    }

    /// Whether its answers are kept, so that it counts for what the cache has to reach.
    pub(crate) fn is_cached(self) -> bool {
        matches!(
            self,
            Self::Fleet | Self::FreeCars | Self::Car | Self::Availability
        )
    }

    /// Whether that is how it should be answered.
    pub(crate) fn expects(self, status: StatusCode) -> bool {
        match self {
            Self::Fleet | Self::FreeCars | Self::Car | Self::Availability | Self::PriceChange => {
                status == StatusCode::OK
            }
            Self::UnknownCar => status == StatusCode::NOT_FOUND,
            Self::Greedy => [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS].contains(&status),
            Self::Booking => status == StatusCode::CREATED,
            Self::Clash => status == StatusCode::CONFLICT,
            Self::Cancellation => status == StatusCode::NO_CONTENT,
        }
    }
}
