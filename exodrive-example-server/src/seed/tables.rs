//! What the generated fleet is made of.

/// A model, with the rent for one day of a new one in an average city.
pub(crate) struct Model {
    pub(crate) make: &'static str,
    pub(crate) name: &'static str,
    pub(crate) category: &'static str,
    pub(crate) seats: i64,
    pub(super) day_cents: i64,
}

/// A city, with its rents in percent of the average and the letters its licence plates begin with.
pub(crate) struct City {
    pub(crate) name: &'static str,
    pub(crate) country: &'static str,
    pub(super) price_percent: i64,
    pub(super) plate: &'static str,
}

pub(crate) const CATEGORIES: [&str; 8] = [
    "economy",
    "compact",
    "estate",
    "suv",
    "van",
    "electric",
    "convertible",
    "luxury",
];

pub(crate) const MAKES: [&str; 16] = [
    "Audi",
    "BMW",
    "Fiat",
    "Ford",
    "Hyundai",
    "Kia",
    "Mazda",
    "Mercedes-Benz",
    "Opel",
    "Peugeot",
    "Renault",
    "Skoda",
    "Tesla",
    "Toyota",
    "Volkswagen",
    "Volvo",
];

pub(crate) const MODELS: [Model; 40] = [
    model("Fiat", "500", "economy", 4, 2_900),
    model("Fiat", "Panda", "economy", 5, 2_700),
    model("Hyundai", "i10", "economy", 5, 2_800),
    model("Kia", "Picanto", "economy", 5, 2_800),
    model("Opel", "Corsa", "economy", 5, 3_100),
    model("Peugeot", "208", "economy", 5, 3_200),
    model("Renault", "Clio", "economy", 5, 3_100),
    model("Toyota", "Yaris", "economy", 5, 3_300),
    model("Volkswagen", "Polo", "economy", 5, 3_300),
    model("Ford", "Focus", "compact", 5, 3_900),
    model("Hyundai", "i30", "compact", 5, 3_800),
    model("Mazda", "3", "compact", 5, 4_100),
    model("Opel", "Astra", "compact", 5, 4_000),
    model("Peugeot", "308", "compact", 5, 4_100),
    model("Toyota", "Corolla", "compact", 5, 4_200),
    model("Volkswagen", "Golf", "compact", 5, 4_300),
    model("Audi", "A4 Avant", "estate", 5, 6_400),
    model("Skoda", "Octavia Combi", "estate", 5, 5_200),
    model("Toyota", "Corolla Touring", "estate", 5, 5_000),
    model("Volkswagen", "Passat Variant", "estate", 5, 5_700),
    model("Volvo", "V60", "estate", 5, 6_500),
    model("Ford", "Kuga", "suv", 5, 5_800),
    model("Hyundai", "Tucson", "suv", 5, 5_700),
    model("Kia", "Sportage", "suv", 5, 5_600),
    model("Peugeot", "3008", "suv", 5, 5_900),
    model("Volkswagen", "Tiguan", "suv", 5, 6_200),
    model("Volvo", "XC60", "suv", 5, 7_800),
    model("Ford", "Tourneo", "van", 9, 8_900),
    model("Mercedes-Benz", "V-Class", "van", 8, 11_500),
    model("Volkswagen", "Multivan", "van", 7, 9_800),
    model("Hyundai", "Ioniq 5", "electric", 5, 6_900),
    model("Renault", "Zoe", "electric", 5, 4_400),
    model("Tesla", "Model 3", "electric", 5, 7_900),
    model("Volkswagen", "ID.3", "electric", 5, 5_400),
    model("BMW", "Z4", "convertible", 2, 10_900),
    model("Fiat", "500C", "convertible", 4, 4_600),
    model("Mazda", "MX-5", "convertible", 2, 8_400),
    model("Audi", "A8", "luxury", 5, 16_500),
    model("BMW", "7 Series", "luxury", 5, 17_500),
    model("Mercedes-Benz", "S-Class", "luxury", 5, 18_900),
];

pub(crate) const CITIES: [City; 20] = [
    city("Amsterdam", "NL", 118, "NA"),
    city("Barcelona", "ES", 96, "BC"),
    city("Berlin", "DE", 100, "B"),
    city("Brussels", "BE", 104, "BX"),
    city("Copenhagen", "DK", 124, "CK"),
    city("Dublin", "IE", 115, "D"),
    city("Frankfurt", "DE", 108, "F"),
    city("Hamburg", "DE", 103, "HH"),
    city("Lisbon", "PT", 86, "LX"),
    city("London", "GB", 126, "LD"),
    city("Lyon", "FR", 99, "LY"),
    city("Madrid", "ES", 94, "MD"),
    city("Milan", "IT", 102, "MI"),
    city("Munich", "DE", 112, "M"),
    city("Paris", "FR", 119, "PA"),
    city("Prague", "CZ", 82, "AA"),
    city("Rome", "IT", 98, "RM"),
    city("Stockholm", "SE", 116, "SX"),
    city("Vienna", "AT", 101, "W"),
    city("Warsaw", "PL", 78, "WA"),
];

const fn model(
    make: &'static str,
    name: &'static str,
    category: &'static str,
    seats: i64,
    day_cents: i64,
) -> Model {
    Model {
        make,
        name,
        category,
        seats,
        day_cents,
    }
}

const fn city(
    name: &'static str,
    country: &'static str,
    price_percent: i64,
    plate: &'static str,
) -> City {
    City {
        name,
        country,
        price_percent,
        plate,
    }
}
