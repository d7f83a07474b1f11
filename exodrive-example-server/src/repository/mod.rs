//! What the database is asked, and what it answers in the words of the domain.
//!
//! The text of every statement is in `sql.rs` and is meant for more than one database; what is particular to
//! SQLite is in `sqlite.rs`, in the migration that refuses double bookings, and in the mapping of its errors.

mod bookings;
mod cars;
mod database;
mod day;
mod error;
mod fleet;
mod load;
mod migrations;
mod rows;
mod sql;
mod sqlite;
#[cfg(test)]
mod tests;
mod users;

pub use self::database::Repository;
pub use self::error::RepositoryError;
