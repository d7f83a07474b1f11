//! Handles with patient settings, and waiting for events instead of for time.

use std::time::Duration;

use exodrive_faults::PATIENCE;
use exodrive_faults::Server;
use exodrive_redis::Command;
use exodrive_redis::Health;
use exodrive_redis::RedisClient;
use exodrive_redis::RedisClientBuilder;
use tokio::task::yield_now;
use tokio::time::timeout;

/// A deadline that a healthy server meets on a busy machine.
pub(crate) const RELAXED: Duration = Duration::from_secs(2);

pub(crate) fn builder(url: impl AsRef<str>) -> RedisClientBuilder {
    RedisClient::builder(url)
        .deadline(RELAXED)
        .connect_timeout(RELAXED)
}

/// A handle that is connected.
pub(crate) async fn connect(server: &Server) -> RedisClient {
    let client = builder(server.url()).build().unwrap();
    client.require(PATIENCE).await.unwrap();
    client
}

/// Waits until the health is as it should be.
pub(crate) async fn until(client: &RedisClient, expected: impl FnMut(&Health) -> bool) -> Health {
    let mut health = client.watch();
    let reached = timeout(PATIENCE, health.wait_for(expected)).await;
    match reached {
        Ok(health) => health.unwrap().clone(),
        Err(_) => panic!("still {:?}", client.health()),
    }
}

/// Lets everything else run until `condition` holds.
pub(crate) async fn eventually(mut condition: impl FnMut() -> bool) {
    let holds = async {
        while !condition() {
            yield_now().await;
        }
    };
    timeout(PATIENCE, holds).await.unwrap();
}

pub(crate) fn get(key: &str) -> Command {
    Command::new("GET").arg(key)
}

pub(crate) fn set(key: &str, value: &str) -> Command {
    Command::new("SET").arg(key).arg(value)
}

/// Writes and reads a value.
pub(crate) async fn assert_serves(redis: &RedisClient) {
    assert_eq!(redis.query::<()>(&set("alive", "yes")).await, Ok(()));
    assert_eq!(redis.query(&get("alive")).await, Ok("yes".to_owned()));
}

/// Returns the code of the last error in `health`.
pub(crate) fn last_code(health: &Health) -> Option<&str> {
    health.last_error().and_then(|error| error.server_code())
}
