use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::query::QueryAs;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{FromRow, Sqlite, SqlitePool, Transaction};

use super::RepositoryError;
use super::{migrations, sql, sqlite};

pub(super) type Question<T> = QueryAs<'static, Sqlite, T, SqliteArguments>;

/// The cars, bookings and users in the database.
///
/// Cloning is cheap and gives a handle to the same connections.
#[derive(Clone, Debug)]
pub struct Repository {
    database: Arc<Database>,
}

/// Only the functions of this file reach the connections, and each of them counts what it sends.
#[derive(Debug)]
struct Database {
    readers: SqlitePool,
    /// SQLite lets one connection write at a time; with one connection, writers queue here and not in busy loops.
    writer: SqlitePool,
    queries: AtomicU64,
}

impl Repository {
    /// Opens the SQLite database in `file`, creating it if there is none, and brings its tables up to date.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is not a database, or was written by a newer version of this program.
    pub async fn open(file: &Path) -> Result<Self, RepositoryError> {
        let writer = sqlite::writer(file).await?;
        migrations::run(&writer).await?;
        let readers = sqlite::readers(file).await?;
        Ok(Self {
            database: Arc::new(Database {
                readers,
                writer,
                queries: AtomicU64::new(0),
            }),
        })
    }

    /// How many statements went to the database since it was opened.
    #[must_use]
    pub fn queries(&self) -> u64 {
        self.database.queries.load(Ordering::Relaxed)
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub async fn ping(&self) -> Result<(), RepositoryError> {
        let _: Option<(i64,)> = self.read_one(sqlx::query_as(sql::PING)).await?;
        Ok(())
    }

    /// Waits for running statements and closes every connection.
    ///
    /// The write-ahead log is folded into the database file by the last connection that closes.
    pub async fn close(&self) {
        self.database.readers.close().await;
        self.database.writer.close().await;
    }

    pub(super) async fn read<T>(&self, question: Question<T>) -> Result<Vec<T>, RepositoryError>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        self.count();
        Ok(question.fetch_all(&self.database.readers).await?)
    }

    pub(super) async fn read_one<T>(
        &self,
        question: Question<T>,
    ) -> Result<Option<T>, RepositoryError>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        self.count();
        Ok(question.fetch_optional(&self.database.readers).await?)
    }

    /// Changes at most one row and returns what the statement returns of it.
    pub(super) async fn write<T>(
        &self,
        statement: Question<T>,
    ) -> Result<Option<T>, RepositoryError>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        self.count();
        Ok(statement.fetch_optional(&self.database.writer).await?)
    }

    /// Several changes that become visible together or not at all; the caller counts its statements.
    pub(super) async fn transaction(
        &self,
    ) -> Result<Transaction<'static, Sqlite>, RepositoryError> {
        Ok(self.database.writer.begin().await?)
    }

    pub(super) fn count(&self) {
        self.database.queries.fetch_add(1, Ordering::Relaxed);
    }
}
