use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqlitePool};

use super::RepositoryError;

/// Runs the migrations the database has not seen yet, in order.
pub(super) async fn run(writer: &SqlitePool) -> Result<(), RepositoryError> {
    let migrations = vec![
        migration(1, "fleet", include_str!("../../migrations/0001_fleet.sql")),
        migration(
            2,
            "bookings",
            include_str!("../../migrations/0002_bookings.sql"),
        ),
        migration(
            3,
            "no double booking",
            include_str!("../../migrations/0003_no_double_booking.sqlite.sql"),
        ),
    ];
    Ok(Migrator::with_migrations(migrations).run(writer).await?)
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
