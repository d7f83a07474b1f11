use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

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
    state: AppState,
    drain: Duration,
    shutdown: oneshot::Sender<()>,
    serving: JoinHandle<io::Result<()>>,
    /// What goes on beside the requests, and ends when this is dropped.
    _chores: JoinSet<()>,
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
        state: AppState,
        storage: Storage,
        drain: Duration,
        shutdown: oneshot::Sender<()>,
        serving: JoinHandle<io::Result<()>>,
        chores: JoinSet<()>,
    ) -> Self {
        Self {
            address,
            state,
            drain,
            shutdown,
            serving,
            _chores: chores,
            storage,
        }
    }

    /// Where it listens, with the port it got if it asked for any.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
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
        welcome::text(self.address, &self.state.repository).await
    }

    /// Answers requests until it is told to stop, such as by [`stop_signal`](super::stop_signal), then stops as
    /// [`Running::stop`] does.
    pub async fn until(self, told: impl Future<Output = &'static str>) -> Drained {
        let signal = told.await;
        tracing::info!(signal, drain = ?self.drain, "stopping");
        self.stop().await
    }

    /// Takes no new connection, finishes the requests in flight within the drain deadline, and closes the database.
    pub async fn stop(mut self) -> Drained {
        drop(self.shutdown);
        let end = async {
            let served = (&mut self.serving).await;
            self.state.repository.close().await;
            served
        };
        let ended = timeout(self.drain, end).await;
        let Ok(served) = ended else {
            tracing::warn!("the drain deadline passed with requests in flight");
            self.serving.abort();
            return Drained::Partly;
        };
        match served.unwrap_or_else(|panicked| Err(panicked.into())) {
            Ok(()) => Drained::Completely,
            Err(error) => {
                tracing::error!(%error, "the listener failed");
                Drained::Partly
            }
        }
    }
}
