//! How this service opens a SQLite file.

use std::path::Path;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// Enough for the readers of a small machine; SQLite runs each connection on a thread of its own.
const READERS: u32 = 4;

/// How long anyone waits for a connection or for a lock before the request fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// The connection that changes the database, and creates it where there is none.
pub(super) async fn writer(file: &Path) -> Result<SqlitePool, sqlx::Error> {
    pool(1, options(file).create_if_missing(true)).await
}

/// The connections that only look.
pub(super) async fn readers(file: &Path) -> Result<SqlitePool, sqlx::Error> {
    // Not `read_only`: a reader of a write-ahead log keeps its index up to date and must be able to write that.
    pool(READERS, options(file).pragma("query_only", "ON")).await
}

async fn pool(connections: u32, options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .min_connections(connections)
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        // A file does not hang up: the check would cost every statement a second trip to the connection's thread.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        // Readers and the writer do not wait for each other.
        .journal_mode(SqliteJournalMode::Wal)
        // With a write-ahead log this never corrupts; a power cut may lose the last moments.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(PATIENCE)
        .foreign_keys(true)
}
