use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::storage::Storage;
use super::{Running, StartError};
use crate::AppState;
use crate::auth::ApiKeys;
use crate::caching;
use crate::config::{Config, DatabaseUrl};
use crate::meters::Exposition;
use crate::repository::{Repository, RepositoryError};
use crate::seed::Seed;
use crate::stack::app;

/// Starts to answer requests.
///
/// An empty database is filled with the generated fleet first, which takes a second or two.
///
/// # Errors
///
/// If the address is taken, or the database cannot be opened or filled.
pub async fn start(config: Config) -> Result<Running, StartError> {
    // First, because it fails fastest; clients that connect meanwhile wait for the database.
    let (listener, address) = listen(config.listen_addr).await?;
    // Before anything that counts is made.
    let exposition = Exposition::install()?;
    let storage = Storage::new(config.database_url.clone())?;
    let failed = |source| StartError::Database {
        database: storage.database().clone(),
        source,
    };
    let repository = open(storage.database(), config.seed())
        .await
        .map_err(failed)?;
    let keys = ApiKeys::load(&repository).await.map_err(failed)?;
    let mut chores = JoinSet::new();
    chores.spawn(exposition.clone().upkeep());
    let cache = caching::cache()?;
    let state = AppState::new(repository, keys, cache, config.flags(), exposition);

    let service = app(&state, &config)?.into_make_service_with_connect_info::<SocketAddr>();
    let (shutdown, told) = oneshot::channel::<()>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async {
        // The other half is dropped and never sends: both mean the same.
        let _ = told.await;
    });
    let serving = tokio::spawn(server.into_future());
    Ok(Running::new(
        address,
        state,
        storage,
        config.drain,
        shutdown,
        serving,
        chores,
    ))
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

async fn open(url: &DatabaseUrl, seed: Seed) -> Result<Repository, RepositoryError> {
    let repository = Repository::open(url).await?;
    if repository.load(seed).await? {
        tracing::info!(
            cars = seed.cars,
            bookings = seed.bookings,
            date = %seed.date,
            "filled the empty database"
        );
    }
    Ok(repository)
}
