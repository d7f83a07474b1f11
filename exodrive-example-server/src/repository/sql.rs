//! Every statement, once.
//!
//! They keep to what SQLite and PostgreSQL have in common: numbered parameters, `RETURNING`, text identifiers,
//! days and cents as whole numbers. Those for PostgreSQL alone take locks that SQLite's only writer does not need.

pub(super) const PING: &str = "SELECT 1";

/// Totals and one page of the cars that match, in one statement and so from one state of the database.
///
/// `$1` city in lower case or null, `$2` category in lower case or null, `$3` and `$4` the days the car must be free
/// or null, `$5` cars per page, `$6` cars before the page.
/// The totals come with every row; a page without cars is one row whose other columns are null.
pub(super) const FLEET: &str = "
    WITH matching AS (
        SELECT cars.id, makes.name AS make, models.name AS model, categories.name AS category,
            cities.name AS city, cars.year, models.seats, cars.price_per_day
        FROM cars
        JOIN models ON models.id = cars.model_id
        JOIN makes ON makes.id = models.make_id
        JOIN categories ON categories.id = models.category_id
        JOIN cities ON cities.id = cars.city_id
        WHERE cars.deleted_at IS NULL
            AND ($1 IS NULL OR LOWER(cities.name) = $1)
            AND ($2 IS NULL OR LOWER(categories.name) = $2)
            AND ($3 IS NULL OR NOT EXISTS (
                SELECT 1
                FROM bookings
                WHERE bookings.car_id = cars.id
                    AND bookings.cancelled_at IS NULL
                    AND bookings.from_day < $4
                    AND bookings.to_day > $3
            ))
    ),
    totals AS (
        SELECT COUNT(*) AS total, MIN(price_per_day) AS lowest, MAX(price_per_day) AS highest
        FROM matching
    ),
    page AS (
        SELECT * FROM matching ORDER BY price_per_day, id LIMIT $5 OFFSET $6
    )
    SELECT totals.total, totals.lowest, totals.highest, page.*
    FROM totals
    LEFT JOIN page ON TRUE
    ORDER BY page.price_per_day, page.id";

/// `$1` car.
pub(super) const CAR: &str = "
    SELECT cars.id, makes.name AS make, models.name AS model, categories.name AS category,
        cities.name AS city, cars.year, models.seats, cars.price_per_day, cities.country, cars.licence_plate
    FROM cars
    JOIN models ON models.id = cars.model_id
    JOIN makes ON makes.id = models.make_id
    JOIN categories ON categories.id = models.category_id
    JOIN cities ON cities.id = cars.city_id
    WHERE cars.id = $1 AND cars.deleted_at IS NULL";

/// The price of a car and its bookings that touch a period.
///
/// `$1` car, `$2` first day, `$3` day after the last. A car without such bookings is one row whose days are null.
pub(super) const AVAILABILITY: &str = "
    SELECT cars.price_per_day, bookings.from_day, bookings.to_day
    FROM cars
    LEFT JOIN bookings ON bookings.car_id = cars.id
        AND bookings.cancelled_at IS NULL
        AND bookings.from_day < $3
        AND bookings.to_day > $2
    WHERE cars.id = $1 AND cars.deleted_at IS NULL
    ORDER BY bookings.from_day";

/// The car that is free for good before any other, and the day from which it is.
///
/// `$1` the earliest day to answer with.
pub(super) const FREE_FOREVER: &str = "
    SELECT car_id, free_from
    FROM (
        SELECT cars.id AS car_id,
            CASE WHEN MAX(bookings.to_day) > $1 THEN MAX(bookings.to_day) ELSE $1 END AS free_from
        FROM cars
        LEFT JOIN bookings ON bookings.car_id = cars.id AND bookings.cancelled_at IS NULL
        WHERE cars.deleted_at IS NULL
        GROUP BY cars.id
    ) AS cars_and_days
    ORDER BY free_from, car_id
    LIMIT 1";

/// A model or a city that is not known is null, which the table refuses and names.
///
/// `$1` car, `$2` make, `$3` model and `$4` city in lower case, `$5` year, `$6` licence plate, `$7` price per day.
pub(super) const INSERT_CAR: &str = "
    INSERT INTO cars (id, model_id, city_id, year, licence_plate, price_per_day)
    VALUES (
        $1,
        (SELECT models.id
            FROM models
            JOIN makes ON makes.id = models.make_id
            WHERE LOWER(makes.name) = $2 AND LOWER(models.name) = $3),
        (SELECT id FROM cities WHERE LOWER(name) = $4),
        $5, $6, $7
    )
    RETURNING id";

/// A city that is not known is null, which the table refuses and names.
///
/// `$1` car, `$2` city in lower case, `$3` licence plate, `$4` price per day.
pub(super) const UPDATE_CAR: &str = "
    UPDATE cars
    SET city_id = (SELECT id FROM cities WHERE LOWER(name) = $2), licence_plate = $3, price_per_day = $4
    WHERE id = $1 AND deleted_at IS NULL
    RETURNING id";

/// Takes a car out of the fleet unless a booking that is not over holds it.
///
/// `$1` car, `$2` today, `$3` now.
pub(super) const DELETE_CAR: &str = "
    UPDATE cars
    SET deleted_at = $3
    WHERE id = $1
        AND deleted_at IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM bookings WHERE car_id = $1 AND cancelled_at IS NULL AND to_day > $2
        )
    RETURNING id";

/// Promises a car at its price of this moment; inserts nothing if there is no such car.
///
/// `$1` booking, `$2` car, `$3` user, `$4` first day, `$5` day after the last, `$6` now.
pub(super) const INSERT_BOOKING: &str = "
    INSERT INTO bookings (id, car_id, user_id, from_day, to_day, total, created_at)
    SELECT $1, cars.id, $3, $4, $5, cars.price_per_day * ($5 - $4), $6
    FROM cars
    WHERE cars.id = $2 AND cars.deleted_at IS NULL
    RETURNING id, car_id, user_id, from_day, to_day, total";

/// `$1` booking.
pub(super) const BOOKING: &str = "
    SELECT id, car_id, user_id, from_day, to_day, total
    FROM bookings
    WHERE id = $1 AND cancelled_at IS NULL";

/// `$1` booking, `$2` now.
pub(super) const CANCEL_BOOKING: &str = "
    UPDATE bookings
    SET cancelled_at = $2
    WHERE id = $1 AND cancelled_at IS NULL
    RETURNING id, car_id, user_id, from_day, to_day, total";

/// Keeps others from changing the car until the transaction ends. For PostgreSQL alone.
///
/// `$1` car.
pub(super) const LOCK_CAR: &str = "SELECT id FROM cars WHERE id = $1 FOR NO KEY UPDATE";

/// Lets the statements of a transaction take as long as they need. For PostgreSQL alone.
pub(super) const NO_TIMEOUT: &str = "SET LOCAL statement_timeout = 0";

/// Keeps others from filling the database until the transaction ends. For PostgreSQL alone.
pub(super) const LOCK_USERS: &str = "LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE";

pub(super) const USERS: &str = "SELECT id, name, tier, key_hash FROM users";

pub(super) const ANY_USER: &str = "SELECT 1 FROM users LIMIT 1";

/// What many rows at once are inserted with; `VALUES` and the rows follow.
pub(super) mod bulk {
    pub(crate) const MAKES: &str = "INSERT INTO makes (id, name)";
    pub(crate) const CATEGORIES: &str = "INSERT INTO categories (id, name)";
    pub(crate) const MODELS: &str = "INSERT INTO models (id, make_id, category_id, name, seats)";
    pub(crate) const CITIES: &str = "INSERT INTO cities (id, name, country)";
    pub(crate) const CARS: &str =
        "INSERT INTO cars (id, model_id, city_id, year, licence_plate, price_per_day)";
    pub(crate) const USERS: &str = "INSERT INTO users (id, name, tier, key_hash)";
    pub(crate) const BOOKINGS: &str =
        "INSERT INTO bookings (id, car_id, user_id, from_day, to_day, total, created_at)";
}
