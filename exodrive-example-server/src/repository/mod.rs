//! What the database is asked, and what it answers in the words of the domain.
//!
//! The text of every statement is in `sql.rs` and serves SQLite and PostgreSQL alike. What is particular to each of
//! them is in `sqlite.rs` and `postgres.rs`, in the migrations that refuse double bookings, in the mapping of their
//! errors, and in `database.rs`, which alone knows which of them is there.

mod bookings;
mod cars;
mod database;
mod day;
mod error;
mod fleet;
mod load;
mod meters;
mod migrations;
mod postgres;
mod rows;
mod sql;
mod sqlite;
mod statement;
#[cfg(test)]
mod tests;
mod users;

pub use self::database::Repository;
pub use self::error::RepositoryError;
pub(crate) use self::meters::describe_meters;
