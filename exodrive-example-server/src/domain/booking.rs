use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BookingId, CarId, Period, PeriodError, Today, User, UserId};

/// The longest time anyone can rent one car for, in days.
pub const MAX_RENTAL_DAYS: i64 = 60;

/// A car promised to a user.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Booking {
    /// Which booking.
    pub id: BookingId,
    /// The car that is promised.
    pub car_id: CarId,
    /// Who it is promised to.
    pub user_id: UserId,
    /// The days it is promised for.
    #[serde(flatten)]
    pub period: Period,
    /// The rent for all its days, in cents, at the price of the day it was made.
    pub total_cents: i64,
}

impl Booking {
    /// Whether `user` made it or may undo anyone's.
    #[must_use]
    pub fn may_be_cancelled_by(&self, user: &User) -> bool {
        self.user_id == user.id || user.is_administrator()
    }
}

/// A booking someone asks for.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[garde(context(Today))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewBooking {
    /// The car to promise.
    #[garde(skip)]
    pub car_id: CarId,
    /// The day it is picked up.
    #[garde(custom(not_past))]
    pub from: Date,
    /// The day it is returned.
    #[garde(custom(ends_rental(self.from)))]
    pub to: Date,
}

impl NewBooking {
    /// The days to promise the car for.
    ///
    /// # Errors
    ///
    /// If they are no period, which validation has told before.
    pub fn period(&self) -> Result<Period, PeriodError> {
        Period::new(self.from, self.to)
    }
}

fn not_past(from: &Date, today: &Today) -> garde::Result {
    if *from < today.date() {
        let today = today.date();
        return Err(garde::Error::new(format_args!(
            "must not be in the past, the first day you can book is {today}"
        )));
    }
    Ok(())
}

fn ends_rental(from: Date) -> impl FnOnce(&Date, &Today) -> garde::Result {
    move |to, _| match Period::new(from, *to) {
        Ok(period) if period.days() > MAX_RENTAL_DAYS => Err(garde::Error::new(format_args!(
            "must be at most {MAX_RENTAL_DAYS} days after the first day"
        ))),
        Ok(_) => Ok(()),
        Err(error) => Err(garde::Error::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;

    use super::*;

    const TODAY: Date = date(2026, 3, 1);

    fn complaints(from: Date, to: Date) -> Vec<String> {
        let booking = NewBooking {
            car_id: CarId::numbered(1),
            from,
            to,
        };
        let report = booking.validate_with(&Today::new(TODAY)).err();
        report
            .iter()
            .flat_map(garde::Report::iter)
            .map(|(path, error)| format!("{path} {error}"))
            .collect()
    }

    #[test]
    fn accepts_a_rental_that_starts_today_and_lasts_the_longest_time() {
        assert!(complaints(TODAY, TODAY + MAX_RENTAL_DAYS.days()).is_empty());
    }

    #[test]
    fn refuses_yesterday_and_says_what_is_possible() {
        assert_eq!(
            complaints(date(2026, 2, 28), date(2026, 3, 2)),
            ["from must not be in the past, the first day you can book is 2026-03-01"]
        );
    }

    #[test]
    fn refuses_a_return_on_the_day_of_departure_or_too_late() {
        assert_eq!(
            complaints(TODAY, TODAY),
            ["to must be later than the first day"]
        );
        assert_eq!(
            complaints(TODAY, TODAY + (MAX_RENTAL_DAYS + 1).days()),
            ["to must be at most 60 days after the first day"]
        );
    }
}
