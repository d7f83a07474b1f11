-- No car is promised twice for the same day, however many requests race for it.

-- Lets one index compare cars for equality and days for overlap. Whoever owns the database may add it, since PostgreSQL 13.
CREATE EXTENSION IF NOT EXISTS btree_gist;

ALTER TABLE bookings ADD CONSTRAINT no_overlap
    EXCLUDE USING gist (car_id WITH =, int8range(from_day, to_day) WITH &&)
    WHERE (cancelled_at IS NULL);
