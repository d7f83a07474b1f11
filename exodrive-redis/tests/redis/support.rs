//! A server of its own for each test, and waiting for events instead of for time.

use std::process::Command as Process;
use std::process::Stdio;
use std::time::Duration;

use exodrive_redis::Command;
use exodrive_redis::Health;
use exodrive_redis::RedisClient;
use exodrive_redis::RedisClientBuilder;
use redis::ConnectionAddr;
use redis::aio::MultiplexedConnection;
use redis_test::server::RedisServer;
use redis_test::utils::get_random_available_port;
use tempfile::TempDir;
use tokio::task::yield_now;
use tokio::time::timeout;

/// Far beyond anything that happens, so that only a hang reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A deadline that a healthy server meets on a busy machine.
pub(crate) const RELAXED: Duration = Duration::from_secs(2);

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

    pub(crate) fn address(&self) -> String {
        self.running.client_addr().to_string()
    }

    pub(crate) fn builder(&self) -> RedisClientBuilder {
        self.builder_as("")
    }

    /// A builder that logs in as `user:password@`.
    pub(crate) fn builder_as(&self, login: &str) -> RedisClientBuilder {
        RedisClient::builder(format!("redis://{login}{}", self.address()))
            .deadline(RELAXED)
            .connect_timeout(RELAXED)
    }

    /// A handle with patient settings, connected.
    pub(crate) async fn connect(&self) -> RedisClient {
        let client = self.builder().build().unwrap();
        client.require(PATIENCE).await.unwrap();
        client
    }

    /// A plain connection to work on the server with, behind the handle's back.
    pub(crate) async fn admin(&self) -> MultiplexedConnection {
        connection(&self.running).await
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

/// A plain connection to `server`, once it listens.
pub(crate) async fn connection(server: &RedisServer) -> MultiplexedConnection {
    let client = redis::Client::open(server.connection_info()).unwrap();
    let connected = async {
        loop {
            match client.get_multiplexed_async_connection().await {
                Ok(connection) => break connection,
                Err(_) => yield_now().await,
            }
        }
    };
    timeout(PATIENCE, connected).await.unwrap()
}

/// Sends an administrative command, given as words.
pub(crate) async fn order(admin: &mut MultiplexedConnection, words: &str) {
    let mut words = words.split(' ');
    let mut command = redis::cmd(words.next().unwrap());
    command.arg(words.collect::<Vec<_>>());
    command.exec_async(admin).await.unwrap();
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
