//! A server for each test, and limiters on it.

use std::process::{Command as Process, Stdio};
use std::time::Duration;

use exodrive_ratelimit::{Limit, MINUTE, RateLimiter, RedisStore, Subject};
use exodrive_redis::{Command, FromReply, RedisClient, RedisClientBuilder};
use redis::ConnectionAddr;
use redis_test::server::RedisServer;
use redis_test::utils::get_random_available_port;
use tempfile::TempDir;
use tokio::time::timeout;

/// Far beyond anything that happens, so that only a hang reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    running: RedisServer,
    /// Where the process runs, as it reads and writes its data set there.
    directory: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        let found = Process::new("redis-server")
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        assert!(
            found.is_ok_and(|status| status.success()),
            "redis-server is missing: apt-get install redis-server"
        );
        let directory = tempfile::tempdir().unwrap();
        let address = RedisServer::get_addr(get_random_available_port());
        Self {
            running: run(address, &directory),
            directory,
        }
    }

    /// Ends the server as a crash would.
    pub(crate) fn kill(&mut self) {
        self.running.stop();
    }

    /// Starts a server anew where the killed one was.
    pub(crate) fn restart(&mut self) {
        let address = self.running.client_addr().clone();
        self.running = run(address, &self.directory);
    }

    /// Stops the process without closing anything.
    pub(crate) fn stall(&self) {
        self.signal("STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let line = format!("kill -{signal} {}", self.running.process.id());
        let status = Process::new("sh").args(["-c", &line]).status().unwrap();
        assert!(status.success());
    }

    /// A client of a patient kind, since the machine may be busy.
    pub(crate) fn builder(&self) -> RedisClientBuilder {
        self.builder_as("")
    }

    /// The same, logged in as `user:password@`.
    pub(crate) fn builder_as(&self, login: &str) -> RedisClientBuilder {
        let url = format!("redis://{login}{}", self.running.client_addr());
        RedisClient::builder(url)
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

fn run(address: ConnectionAddr, directory: &TempDir) -> RedisServer {
    RedisServer::new_with_addr_tls_modules_and_spawner(
        address,
        None,
        None,
        false,
        None,
        &[],
        |server| server.current_dir(directory).spawn().unwrap(),
    )
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
