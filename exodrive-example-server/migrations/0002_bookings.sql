-- Who rents what, and when.
-- Days are counted from 1970-01-01; a booking holds its car from from_day up to but not including to_day.

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    tier TEXT NOT NULL CHECK (tier IN ('standard', 'premium', 'administrator')),
    key_hash TEXT NOT NULL UNIQUE -- BLAKE3 of the API key, in lower-case hexadecimal
);

CREATE TABLE bookings (
    id TEXT NOT NULL PRIMARY KEY,
    car_id TEXT NOT NULL REFERENCES cars (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    from_day BIGINT NOT NULL,
    to_day BIGINT NOT NULL,
    total BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    cancelled_at BIGINT,
    CHECK (from_day < to_day)
);

-- Every question about a car's bookings is "which ones touch these days", so the index alone answers it.
CREATE INDEX bookings_of_car ON bookings (car_id, to_day, from_day) WHERE cancelled_at IS NULL;
