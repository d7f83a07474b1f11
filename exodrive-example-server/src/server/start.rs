use std::net::SocketAddr;

use exodrive_redis::RedisClient;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::serving::Serving;
use super::storage::Storage;
use super::{Running, StartError};
use crate::AppState;
use crate::answers::Answers;
use crate::auth::ApiKeys;
use crate::caching;
use crate::config::{Config, DatabaseUrl};
use crate::limits::Limits;
use crate::meters::Exposition;
use crate::ops::{self, Live};
use crate::repository::{Repository, RepositoryError};
use crate::seed::Seed;
use crate::stack::app;

/// Starts to answer requests.
///
/// An empty database is filled with the generated fleet first, which takes a second or two.
///
/// # Errors
///
/// If an address is taken, or the database cannot be opened or filled.
pub async fn start(config: Config) -> Result<Running, StartError> {
    // First, because it fails fastest; clients that connect meanwhile wait for the database.
    let (listener, address) = listen(config.listen_addr, "LISTEN_ADDR").await?;
    let operations = config.operations_address();
    let (ops_listener, operations) = listen(operations, "OPS_LISTEN_ADDR").await?;
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
    let redis = connect(&config)?;
    let state = AppState::new(
        repository,
        keys,
        caching::cache(Answers::new(redis.clone()))?,
        config.flags(),
        Limits::new(&config, redis.clone())?,
        redis,
        exposition,
    );

    let api = app(&state, &config)?;
    let mut chores = JoinSet::new();
    state.switchboard.follow(&mut chores).await;
    let live = Live::start(state.clone(), &mut chores);
    let is_local = operations.ip().is_loopback();
    let page = ops::router(state.clone(), live, config.admin_token, is_local)?;
    let serving = Serving::start((listener, api), (ops_listener, page), chores);
    Ok(Running::new(
        address,
        operations,
        state,
        storage,
        config.drain,
        serving,
    ))
}

async fn listen(
    address: SocketAddr,
    variable: &'static str,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen {
        address,
        variable,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Makes the handle of Redis if the configuration names a server, which need not be there.
fn connect(config: &Config) -> Result<Option<RedisClient>, exodrive_redis::BuildError> {
    let Some(url) = config.redis() else {
        return Ok(None);
    };
    tracing::info!(redis = %url, "answers and counts are shared in Redis");
    RedisClient::builder(url.expose()).build().map(Some)
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
