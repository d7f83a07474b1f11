-- What can be rented, and where.
-- Prices are whole cents; instants are milliseconds since 1970-01-01T00:00:00Z.

CREATE TABLE makes (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE categories (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE models (
    id BIGINT NOT NULL PRIMARY KEY,
    make_id BIGINT NOT NULL REFERENCES makes (id),
    category_id BIGINT NOT NULL REFERENCES categories (id),
    name TEXT NOT NULL,
    seats BIGINT NOT NULL CHECK (seats > 0),
    UNIQUE (make_id, name)
);

CREATE TABLE cities (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    country TEXT NOT NULL
);

-- A car that leaves the fleet keeps its row, because its bookings are kept for the accounts.
CREATE TABLE cars (
    id TEXT NOT NULL PRIMARY KEY,
    model_id BIGINT NOT NULL REFERENCES models (id),
    city_id BIGINT NOT NULL REFERENCES cities (id),
    year BIGINT NOT NULL,
    licence_plate TEXT NOT NULL,
    price_per_day BIGINT NOT NULL CHECK (price_per_day > 0),
    deleted_at BIGINT
);

CREATE UNIQUE INDEX cars_licence_plate ON cars (licence_plate) WHERE deleted_at IS NULL;
CREATE INDEX cars_by_price ON cars (price_per_day, id) WHERE deleted_at IS NULL;
