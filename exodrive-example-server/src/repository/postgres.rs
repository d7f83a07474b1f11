//! How this service connects to a PostgreSQL server.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};

/// A statement of this service takes a millisecond or less, so a few connections answer thousands of requests a second,
/// and several instances fit into the hundred connections that a server allows by default.
const CONNECTIONS: u32 = 16;

/// How long anyone waits for a connection, and for an answer, before the request fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection that was used this recently is taken to be alive.
const FRESH: Duration = Duration::from_secs(1);

/// A connection that waits for as long as it takes, to bring the tables up to date before anyone asks.
pub(super) async fn connection(server: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    server.connect().await
}

/// The connections that requests use.
pub(super) async fn pool(server: &PgConnectOptions) -> Result<PgPool, sqlx::Error> {
    let timeout = PATIENCE.as_millis();
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        // To check a connection costs a round trip, as much as the statement itself; what a firewall or a restart of
        // the server cuts in silence are those that nobody uses.
        .test_before_acquire(false)
        .before_acquire(|connection, usage| {
            Box::pin(async move { Ok(usage.idle_for < FRESH || connection.ping().await.is_ok()) })
        })
        .connect_with(server.clone().options([("statement_timeout", timeout)]))
        .await
}
