//! A server for each test, and limiters on it.

use std::ops::{Deref, DerefMut};

use exodrive_ratelimit::{Limit, MINUTE, RateLimiter, RedisStore, Subject};
use exodrive_redis::{Command, FromReply, RedisClient, RedisClientBuilder};
use tokio::time::timeout;

pub(crate) use exodrive_faults::PATIENCE;

pub(crate) struct Server(exodrive_faults::Server);

impl Deref for Server {
    type Target = exodrive_faults::Server;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        Self(exodrive_faults::Server::start())
    }

    /// A client of a patient kind, since the machine may be busy.
    pub(crate) fn builder(&self) -> RedisClientBuilder {
        self.builder_as("")
    }

    /// The same, logged in as `user:password@`.
    pub(crate) fn builder_as(&self, login: &str) -> RedisClientBuilder {
        RedisClient::builder(self.url_as(login))
            .deadline(PATIENCE)
            .connect_timeout(PATIENCE)
    }

    /// One connection, so that calls arrive in their order, to a server that knows the scripts: one that must be told
    /// them first executes later calls before.
    pub(crate) async fn connect(&self) -> RedisClient {
        let redis = connected(self.builder().connections(1)).await;
        let once = Limit::sliding_window("once", 1, MINUTE).by_subject();
        let limiter = limiter(&redis, [once]);
        let nobody = Subject::custom("test", "nobody");
        let permit = limiter.check(nobody, 1).await.unwrap();
        permit.settle(0).await.unwrap();
        let settled = async {
            while order::<i64>(&redis, "DBSIZE").await > 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, settled).await.unwrap();
        redis
    }
}

pub(crate) async fn connected(builder: RedisClientBuilder) -> RedisClient {
    let redis = builder.build().unwrap();
    redis.require(PATIENCE).await.unwrap();
    redis
}

pub(crate) fn limiter(
    redis: &RedisClient,
    limits: impl IntoIterator<Item = Limit>,
) -> RateLimiter<RedisStore> {
    let builder = RateLimiter::builder(RedisStore::new(redis.clone()));
    limits
        .into_iter()
        .fold(builder, |builder, limit| builder.limit(limit))
        .build()
        .unwrap()
}

/// Sends a command given as words.
pub(crate) async fn order<T: FromReply>(redis: &RedisClient, words: &'static str) -> T {
    let mut words = words.split(' ');
    let command = Command::new(words.next().unwrap()).args(words);
    redis.query(&command).await.unwrap()
}

/// How many calls of a command the server has seen.
pub(crate) async fn calls(redis: &RedisClient, command: &str) -> u64 {
    let stats: String = order(redis, "INFO commandstats").await;
    let name = format!("cmdstat_{command}:calls=");
    let line = stats.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}
