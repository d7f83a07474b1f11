//! Several instances of the server on one PostgreSQL and one Redis.

use exodrive_example_server::config::{Config, DatabaseUrl};
use exodrive_faults::{PATIENCE, Server as Redis, postgres_database};
use exodrive_tests::{OPERATIONS_TOKEN, Server};
use reqwest::Method;
use serde_json::Value;
use tokio::time::timeout;

/// Two instances, and what more of them need.
pub(crate) struct Instances {
    pub(crate) one: Server,
    pub(crate) other: Server,
    pub(crate) database: DatabaseUrl,
}

impl Instances {
    /// Starts both, with a configuration of the test's own.
    pub(crate) async fn start(redis: &Redis, change: impl Fn(&mut Config)) -> Self {
        let database: DatabaseUrl = postgres_database().await.parse().unwrap();
        Self {
            one: another(redis, &database, &change).await,
            other: another(redis, &database, &change).await,
            database,
        }
    }

    /// Asks again and again.
    pub(crate) async fn until(&self, mut happens: impl AsyncFnMut(&Self) -> bool) {
        let asking = async { while !happens(self).await {} };
        timeout(PATIENCE, asking).await.unwrap();
    }
}

/// Starts an instance beside those that use this Redis and this database.
pub(crate) async fn another(
    redis: &Redis,
    database: &DatabaseUrl,
    change: impl FnOnce(&mut Config),
) -> Server {
    Server::start_with(|config| {
        config.redis_url = Some(redis.url().parse().unwrap());
        config.database_url = Some(database.clone());
        config.admin_token = Some(OPERATIONS_TOKEN.parse().unwrap());
        change(config);
    })
    .await
}

/// Changes something through the operations page of an instance, and returns what it says.
///
/// Again, if Redis did not answer: a busy machine may take longer than a call waits for it.
pub(crate) async fn order(server: &Server, method: Method, path: &str, body: &Value) -> Value {
    let ask = async || {
        let request = server.operations(method.clone(), &format!("/ops/api/{path}"));
        let request = request.bearer_auth(OPERATIONS_TOKEN).json(body);
        request.send().await.unwrap()
    };
    let answered = async {
        loop {
            let answer = ask().await;
            if answer.status() != 503 {
                break answer;
            }
        }
    };
    let answer = timeout(PATIENCE, answered).await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.unwrap_or_default()
}

/// Looks at what the operations page of an instance shows.
pub(crate) async fn look(server: &Server, path: &str) -> Value {
    let request = server.operations(Method::GET, &format!("/ops/api/{path}"));
    request.send().await.unwrap().json().await.unwrap()
}
