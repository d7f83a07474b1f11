use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Runs the migrations that a SQLite database has not seen yet, in order.
pub(super) fn sqlite() -> Migrator {
    migrator(include_str!(
        "../../migrations/0003_no_double_booking.sqlite.sql"
    ))
}

/// Runs the migrations that a PostgreSQL database has not seen yet, in order and on one instance at a time.
pub(super) fn postgres() -> Migrator {
    migrator(include_str!(
        "../../migrations/0003_no_double_booking.postgres.sql"
    ))
}

fn migrator(no_double_booking: &'static str) -> Migrator {
    let fleet = include_str!("../../migrations/0001_fleet.sql");
    let bookings = include_str!("../../migrations/0002_bookings.sql");
    Migrator::with_migrations(vec![
        migration(1, "fleet", fleet),
        migration(2, "bookings", bookings),
        migration(3, "no double booking", no_double_booking),
    ])
}

fn migration(version: i64, description: &'static str, sql: &'static str) -> Migration {
    let in_own_transaction = false;
    Migration::new(
        version,
        Cow::Borrowed(description),
        MigrationType::Simple,
        sql.into_sql_str(),
        in_own_transaction,
    )
}
