use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rules::{name, within};
use super::{CarId, Today};

/// A car as the fleet lists it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CarSummary {
    /// Which car.
    pub id: CarId,
    /// Who built it.
    pub make: String,
    /// What they called it.
    pub model: String,
    /// The kind of car, for example `compact`.
    pub category: String,
    /// Where it is picked up and returned.
    pub city: String,
    /// Its model year.
    pub year: i64,
    /// How many people it takes.
    pub seats: i64,
    /// The rent for one day, in cents.
    pub price_per_day_cents: i64,
}

/// Everything there is to know about a car.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Car {
    /// What the fleet listing shows of it.
    #[serde(flatten)]
    pub summary: CarSummary,
    /// The country of its city, as ISO 3166-1 alpha-2 writes it.
    pub country: String,
    /// What its licence plate says; no two cars of the fleet share one.
    pub licence_plate: String,
}

/// A car to add to the fleet.
///
/// The category and the number of seats follow from the model.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[garde(context(Today as today))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewCar {
    /// Who built it: a make the service knows.
    #[garde(custom(name))]
    #[schema(min_length = 1, max_length = 40)]
    pub make: String,
    /// What they called it: a model of that make.
    #[garde(custom(name))]
    #[schema(min_length = 1, max_length = 40)]
    pub model: String,
    /// Where it is picked up and returned: a city the service knows.
    #[garde(custom(name))]
    #[schema(min_length = 1, max_length = 40)]
    pub city: String,
    /// Its model year.
    #[garde(custom(within(1990, today.latest_model_year())))]
    #[schema(minimum = 1990)]
    pub year: i16,
    /// Capital letters, digits, spaces and hyphens.
    #[garde(custom(reads_like_a_plate))]
    #[schema(pattern = "^[A-Z0-9][A-Z0-9 -]{0,10}[A-Z0-9]$")]
    pub licence_plate: String,
    /// The rent for one day, in cents.
    #[garde(custom(within(100, 1_000_000)))]
    #[schema(minimum = 100, maximum = 1_000_000)]
    pub price_per_day_cents: i64,
}

/// What may change about a car.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[garde(context(Today))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpdateCar {
    /// Where it is picked up and returned: a city the service knows.
    #[garde(custom(name))]
    #[schema(min_length = 1, max_length = 40)]
    pub city: String,
    /// Capital letters, digits, spaces and hyphens.
    #[garde(custom(reads_like_a_plate))]
    #[schema(pattern = "^[A-Z0-9][A-Z0-9 -]{0,10}[A-Z0-9]$")]
    pub licence_plate: String,
    /// The rent for one day, in cents.
    #[garde(custom(within(100, 1_000_000)))]
    #[schema(minimum = 100, maximum = 1_000_000)]
    pub price_per_day_cents: i64,
}

fn reads_like_a_plate(text: &str, _: &Today) -> garde::Result {
    let well_formed = (2..=12).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, ' ' | '-'));
    if well_formed {
        Ok(())
    } else {
        Err(garde::Error::new(
            "must be 2 to 12 capital letters, digits, spaces and hyphens, such as B-CD 1234",
        ))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn new_car() -> NewCar {
        NewCar {
            make: "Volkswagen".to_owned(),
            model: "Golf".to_owned(),
            city: "Berlin".to_owned(),
            year: 2026,
            licence_plate: "B-CD 1234".to_owned(),
            price_per_day_cents: 4_500,
        }
    }

    fn wrong_fields(car: &NewCar) -> Vec<String> {
        let today = Today::new(date(2026, 3, 1));
        let report = car.validate_with(&today).err();
        report
            .iter()
            .flat_map(garde::Report::iter)
            .map(|(path, _)| path.to_string())
            .collect()
    }

    #[test]
    fn accepts_next_years_model_and_no_later_one() {
        let mut car = new_car();
        car.year = 2027;
        assert!(wrong_fields(&car).is_empty());
        car.year = 2028;
        assert_eq!(wrong_fields(&car), ["year"]);
    }

    #[test]
    fn names_every_wrong_field() {
        let mut car = new_car();
        car.make.clear();
        car.licence_plate = "b 1".to_owned();
        car.price_per_day_cents = 0;
        assert_eq!(
            wrong_fields(&car),
            ["licence_plate", "make", "price_per_day_cents"]
        );
    }

    #[test]
    fn refuses_plates_that_only_look_right() {
        for plate in [
            "",
            "B",
            "-B 12",
            "B 12 ",
            "B\n12",
            "ABCDEFGHIJKLM",
            "Ü 1234",
        ] {
            let mut car = new_car();
            plate.clone_into(&mut car.licence_plate);
            assert_eq!(wrong_fields(&car), ["licence_plate"], "{plate:?}");
        }
    }
}
