-- No car is promised twice for the same day, however many requests race for it.
-- SQLite has no exclusion constraint; a trigger runs inside the statement that writes, so nothing can come between.

CREATE TRIGGER bookings_no_overlap_on_insert
BEFORE INSERT ON bookings
WHEN NEW.cancelled_at IS NULL AND EXISTS (
    SELECT 1
    FROM bookings
    WHERE car_id = NEW.car_id
        AND cancelled_at IS NULL
        AND from_day < NEW.to_day
        AND to_day > NEW.from_day
)
BEGIN
    SELECT RAISE(ABORT, 'no_overlap');
END;

CREATE TRIGGER bookings_no_overlap_on_update
BEFORE UPDATE OF car_id, from_day, to_day, cancelled_at ON bookings
WHEN NEW.cancelled_at IS NULL AND EXISTS (
    SELECT 1
    FROM bookings
    WHERE id <> NEW.id
        AND car_id = NEW.car_id
        AND cancelled_at IS NULL
        AND from_day < NEW.to_day
        AND to_day > NEW.from_day
)
BEGIN
    SELECT RAISE(ABORT, 'no_overlap');
END;
