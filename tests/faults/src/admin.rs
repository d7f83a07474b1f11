//! A plain connection behind the back of whatever is tested.

use std::fmt;

use redis::AsyncConnectionConfig;
use redis::FromRedisValue;
use redis::IntoConnectionInfo;
use redis::aio::MultiplexedConnection;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::PATIENCE;

/// A connection as the default user, who may do everything.
#[derive(Clone)]
pub struct Admin {
    connection: MultiplexedConnection,
}

impl Admin {
    /// Connects to a server once it listens.
    pub(crate) async fn connect(server: impl IntoConnectionInfo) -> Self {
        let client = redis::Client::open(server).unwrap();
        let connected = async {
            loop {
                // A server that is loading, or on a busy machine, takes longer than a connection waits by default.
                let config = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
                match client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await
                {
                    Ok(connection) => break Self { connection },
                    Err(_) => yield_now().await,
                }
            }
        };
        timeout(PATIENCE, connected).await.unwrap()
    }

    /// Sends a command given as words, each ended by one space, and reads its reply.
    pub async fn ask<T: FromRedisValue>(&self, words: &str) -> T {
        self.try_ask(words).await.unwrap()
    }

    /// Sends a command given as words, whatever it answers.
    pub async fn order(&self, words: &str) {
        self.ask(words).await
    }

    /// Sends a command that may be refused, or whose reply may never come.
    ///
    /// # Errors
    ///
    /// Then.
    pub async fn try_ask<T: FromRedisValue>(&self, words: &str) -> redis::RedisResult<T> {
        let mut words = words.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        command.arg(words.collect::<Vec<_>>());
        command.query_async(&mut self.connection.clone()).await
    }

    /// Asks until the answer is as expected.
    pub async fn until<T: FromRedisValue>(&self, words: &str, expected: impl Fn(&T) -> bool) -> T {
        let answered = async {
            loop {
                let answer = self.ask(words).await;
                if expected(&answer) {
                    break answer;
                }
                yield_now().await;
            }
        };
        timeout(PATIENCE, answered).await.unwrap()
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}
