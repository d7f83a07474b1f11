use std::io;
use std::net::SocketAddr;

use exodrive_cache::{BuildError, UnknownPolicy};
use thiserror::Error;

use crate::config::DatabaseUrl;
use crate::meters::RecorderTaken;
use crate::repository::RepositoryError;

/// Why the server cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is taken, or is not one of this machine.
    #[error("cannot listen on {address} (set {variable} to choose another address)")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The variable that asked for it.
        variable: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// There is no place for a temporary database.
    #[error("cannot make a folder for the temporary database (set DATABASE_URL to name a file)")]
    TemporaryFolder(#[source] io::Error),
    /// The database cannot be opened, brought up to date or filled.
    #[error("cannot use the database {database} (set DATABASE_URL to name another)")]
    Database {
        /// The database that was asked for.
        database: DatabaseUrl,
        /// What the database says.
        source: RepositoryError,
    },
    /// Nothing that is counted could be read.
    #[error("cannot count what happens")]
    Metrics(#[from] RecorderTaken),
    /// The cache's policies contradict each other.
    #[error("cannot set up the cache")]
    Cache(#[from] BuildError),
    /// A route names a policy that the cache does not have.
    #[error("cannot set up the layers")]
    Policy(#[from] UnknownPolicy),
    /// The limits make no sense.
    #[error("cannot set up the limits")]
    Limits(#[from] exodrive_ratelimit::BuildError),
    /// The URL of Redis makes no sense.
    #[error("cannot use Redis (set REDIS_URL to name another server)")]
    Redis(#[from] exodrive_redis::BuildError),
}
