use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;

use super::serving::Serving;
use super::storage::Storage;
use super::welcome;
use crate::AppState;
use crate::config::DatabaseUrl;
use crate::repository::{Repository, RepositoryError};

/// A server that answers requests.
///
/// When it is dropped it takes no new connection and finishes what it has, but nobody waits for that;
/// [`Running::stop`] does.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    operations: SocketAddr,
    state: AppState,
    drain: Duration,
    serving: Serving,
    /// Last, so that a temporary database goes after everything that uses it.
    storage: Storage,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Drained {
    /// Every request in flight was answered.
    Completely,
    /// The drain deadline passed first, and the rest was cut off.
    Partly,
}

impl Running {
    pub(super) fn new(
        address: SocketAddr,
        operations: SocketAddr,
        state: AppState,
        storage: Storage,
        drain: Duration,
        serving: Serving,
    ) -> Self {
        Self {
            address,
            operations,
            state,
            drain,
            serving,
            storage,
        }
    }

    /// Where it listens, with the port it got if it asked for any.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for operators.
    #[must_use]
    pub fn operations_address(&self) -> SocketAddr {
        self.operations
    }

    /// The repository its requests use.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.state.repository
    }

    /// What its requests can reach.
    #[must_use]
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Its database.
    #[must_use]
    pub fn database(&self) -> &DatabaseUrl {
        self.storage.database()
    }

    /// Where the API is, and three commands to try it with that work as they stand.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn welcome(&self) -> Result<String, RepositoryError> {
        welcome::text(self.address, self.operations, &self.state.repository).await
    }

    /// Answers requests until it is told to stop, such as by [`stop_signal`](super::stop_signal), then stops as
    /// [`Running::stop`] does.
    pub async fn until(self, told: impl Future<Output = &'static str>) -> Drained {
        let signal = told.await;
        tracing::info!(signal, drain = ?self.drain, "stopping");
        self.stop().await
    }

    /// Takes no new connection, finishes the requests in flight within the drain deadline, and closes the database.
    pub async fn stop(self) -> Drained {
        let mut serving = self.serving.stop();
        let end = async {
            let served = (&mut serving).await;
            self.state.repository.close().await;
            served
        };
        let ended = timeout(self.drain, end).await;
        let Ok(served) = ended else {
            tracing::warn!("the drain deadline passed with requests in flight");
            serving.abort();
            return Drained::Partly;
        };
        match served {
            Ok(()) => Drained::Completely,
            Err(error) => {
                tracing::error!(%error, "the listener failed");
                Drained::Partly
            }
        }
    }
}
