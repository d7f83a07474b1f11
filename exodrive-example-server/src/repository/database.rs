use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::pool::PoolConnection;
use sqlx::{Connection, PgPool, Pool, Postgres, Sqlite, SqlitePool};
use tokio::time::Instant;

use super::meters::{Meters, PoolState};
use super::rows::{Record, Row};
use super::statement::Statement;
use super::{RepositoryError, migrations, postgres, sql, sqlite};
use crate::config::DatabaseUrl;
use crate::domain::CarId;

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
    pools: Pools,
    queries: AtomicU64,
    meters: Meters,
}

#[derive(Debug)]
enum Pools {
    Sqlite {
        readers: SqlitePool,
        /// SQLite lets one connection write at a time; with one connection, writers queue here and not in busy loops.
        writer: SqlitePool,
    },
    Postgres(PgPool),
}

/// Several changes that become visible together or, if they are not committed, not at all.
pub(super) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Repository {
    /// Opens the database, creating the file of a SQLite database if there is none, and brings its tables up to date.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached, is none, or was written by a newer version of this program.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, RepositoryError> {
        let pools = match url {
            DatabaseUrl::Sqlite(file) => {
                let writer = sqlite::writer(file).await?;
                migrations::sqlite().run(&writer).await?;
                let readers = sqlite::readers(file).await?;
                Pools::Sqlite { readers, writer }
            }
            DatabaseUrl::Postgres(server) => {
                let mut connection = postgres::connection(server).await?;
                migrations::postgres().run(&mut connection).await?;
                Pools::Postgres(postgres::pool(server).await?)
            }
        };
        let database = Database {
            pools,
            queries: AtomicU64::new(0),
            meters: Meters::new(),
        };
        Ok(Self {
            database: Arc::new(database),
        })
    }

    /// How many statements went to the database since it was opened.
    #[must_use]
    pub fn queries(&self) -> u64 {
        self.database.queries.load(Ordering::Relaxed)
    }

    /// How many connections are open and how many of them nobody uses.
    pub(crate) fn pools(&self) -> Vec<PoolState> {
        match &self.database.pools {
            Pools::Sqlite { readers, writer } => vec![
                PoolState::of("readers", readers),
                PoolState::of("writer", writer),
            ],
            Pools::Postgres(pool) => vec![PoolState::of("postgres", pool)],
        }
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub async fn ping(&self) -> Result<(), RepositoryError> {
        self.read_one::<()>(Statement::new(sql::PING)).await?;
        Ok(())
    }

    /// Waits for running statements and closes every connection.
    ///
    /// The last connection to a SQLite file folds the write-ahead log into it.
    pub async fn close(&self) {
        match &self.database.pools {
            Pools::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }

    pub(super) async fn read<T: Record>(
        &self,
        question: Statement,
    ) -> Result<Vec<T>, RepositoryError> {
        self.count();
        let rows: Vec<Row> = match &self.database.pools {
            Pools::Sqlite { readers, .. } => {
                let mut connection = self.connection(readers).await?;
                let rows = question.sqlite().fetch_all(&mut *connection).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Pools::Postgres(pool) => {
                let mut connection = self.connection(pool).await?;
                let rows = question.postgres().fetch_all(&mut *connection).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        };
        Ok(rows.iter().map(T::read).collect::<Result<_, _>>()?)
    }

    pub(super) async fn read_one<T: Record>(
        &self,
        question: Statement,
    ) -> Result<Option<T>, RepositoryError> {
        let row = match &self.database.pools {
            Pools::Sqlite { readers, .. } => {
                let mut connection = self.connection(readers).await?;
                self.on_sqlite(&mut *connection, question).await?
            }
            Pools::Postgres(pool) => {
                let mut connection = self.connection(pool).await?;
                self.on_postgres(&mut *connection, question).await?
            }
        };
        Ok(row.as_ref().map(T::read).transpose()?)
    }

    /// Changes at most one row and returns what the statement returns of it.
    pub(super) async fn write<T: Record>(
        &self,
        statement: Statement,
    ) -> Result<Option<T>, RepositoryError> {
        let row = match &self.database.pools {
            Pools::Sqlite { writer, .. } => {
                let mut connection = self.connection(writer).await?;
                self.on_sqlite(&mut *connection, statement).await?
            }
            Pools::Postgres(pool) => {
                let mut connection = self.connection(pool).await?;
                self.on_postgres(&mut *connection, statement).await?
            }
        };
        Ok(row.as_ref().map(T::read).transpose()?)
    }

    /// As [`Repository::write`], while nobody else changes the car or its bookings in this way.
    ///
    /// The writers of SQLite take turns in any case. In PostgreSQL a statement does not see what others have not
    /// committed, so a car could be booked and leave the fleet at once; and two bookings for the same days could wait
    /// for each other until one is chosen as the victim of a deadlock instead of being told that the car is taken.
    pub(super) async fn write_alone<T: Record>(
        &self,
        car: &CarId,
        statement: Statement,
    ) -> Result<Option<T>, RepositoryError> {
        let Pools::Postgres(pool) = &self.database.pools else {
            return self.write(statement).await;
        };
        let mut connection = self.connection(pool).await?;
        let mut transaction = connection.begin().await?;
        let lock = Statement::new(sql::LOCK_CAR).bind(car.as_ref());
        self.on_postgres(&mut *transaction, lock).await?;
        let row = self.on_postgres(&mut *transaction, statement).await?;
        transaction.commit().await?;
        Ok(row.as_ref().map(T::read).transpose()?)
    }

    /// Begins to fill the database, which nobody else does until the transaction ends.
    pub(super) async fn begin_to_fill(&self) -> Result<Transaction, RepositoryError> {
        match &self.database.pools {
            Pools::Sqlite { writer, .. } => {
                // A transaction that reads first and writes later fails if somebody else wrote in between.
                let transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
                Ok(Transaction::Sqlite(transaction))
            }
            Pools::Postgres(pool) => {
                let mut transaction = pool.begin().await?;
                for statement in [sql::NO_TIMEOUT, sql::LOCK_USERS] {
                    self.on_postgres(&mut *transaction, Statement::new(statement))
                        .await?;
                }
                Ok(Transaction::Postgres(transaction))
            }
        }
    }

    /// Sends a statement as part of the transaction and returns the first row of its answer.
    pub(super) async fn within(
        &self,
        transaction: &mut Transaction,
        statement: Statement,
    ) -> Result<Option<Row>, RepositoryError> {
        match transaction {
            Transaction::Sqlite(transaction) => self.on_sqlite(&mut **transaction, statement).await,
            Transaction::Postgres(transaction) => {
                self.on_postgres(&mut **transaction, statement).await
            }
        }
    }

    async fn on_sqlite(
        &self,
        connection: impl sqlx::SqliteExecutor<'_>,
        statement: Statement,
    ) -> Result<Option<Row>, RepositoryError> {
        self.count();
        let row = statement.sqlite().fetch_optional(connection).await?;
        Ok(row.map(Row::Sqlite))
    }

    async fn on_postgres(
        &self,
        connection: impl sqlx::PgExecutor<'_>,
        statement: Statement,
    ) -> Result<Option<Row>, RepositoryError> {
        self.count();
        let row = statement.postgres().fetch_optional(connection).await?;
        Ok(row.map(Row::Postgres))
    }

    /// Waits for a connection, and takes note of how long.
    async fn connection<DB: sqlx::Database>(
        &self,
        pool: &Pool<DB>,
    ) -> Result<PoolConnection<DB>, sqlx::Error> {
        let started = Instant::now();
        let connection = pool.acquire().await;
        self.database
            .meters
            .acquire_seconds
            .record(started.elapsed());
        connection
    }

    fn count(&self) {
        self.database.queries.fetch_add(1, Ordering::Relaxed);
        self.database.meters.queries.increment(1);
    }
}

impl Transaction {
    pub(super) async fn commit(self) -> Result<(), RepositoryError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}
