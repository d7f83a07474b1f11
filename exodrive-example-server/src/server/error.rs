use std::io;
use std::net::SocketAddr;

use exodrive_cache::BuildError;
use thiserror::Error;

use crate::config::DatabaseUrl;
use crate::meters::RecorderTaken;
use crate::repository::RepositoryError;
use crate::stack::StackError;

/// Why the server cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is taken, or is not one of this machine.
    #[error("cannot listen on {address} (set LISTEN_ADDR to choose another address)")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
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
    /// The layers cannot be put together.
    #[error("cannot set up the layers")]
    Stack(#[from] StackError),
}
