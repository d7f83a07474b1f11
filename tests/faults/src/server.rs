//! One server process.

use std::fmt;
use std::fs::OpenOptions;
use std::net::TcpStream;
use std::process::Command;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use redis::ConnectionAddr;
use redis_test::server::RedisServer;
use redis_test::utils::get_random_available_port;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::admin::Admin;
use crate::certificates::Certificates;

/// What a handle needs for itself, as its documentation states it.
const HANDLE: &str = "+auth +evalsha +hello +ping +role +script|load +select";

/// What is done in tests that are about something else than permissions.
pub(crate) const USUAL: &str = "~* &* +del +get +incr +incrby +lpop +mget +pexpire +set +time +unlink +xadd +xrange +xread \
     +xrevrange";

/// The login that [`Server::url`] contains.
const LOGIN: &str = "app:of-the-app@";

/// A `redis-server` on a port and in a directory of its own.
pub struct Server {
    running: RedisServer,
    arguments: Vec<String>,
    tls: bool,
    /// Where the process runs, as it reads and writes its data set there.
    directory: TempDir,
}

impl Server {
    /// Starts a server that lets the login of [`url`](Self::url) use the commands of usual tests.
    #[must_use]
    pub fn start() -> Self {
        Self::allowing(USUAL)
    }

    /// Starts a server whose login may do what a handle needs, and what these rules allow, such as
    /// `~cache:* +hgetall`; see `ACL SETUSER`.
    #[must_use]
    pub fn allowing(rules: &str) -> Self {
        Self::with(rules, &[])
    }

    /// Starts a server with settings of its own, such as `--maxclients`, `20`.
    #[must_use]
    pub fn configured(arguments: &[&str]) -> Self {
        Self::with(USUAL, arguments)
    }

    /// Starts a server that shows a certificate and speaks TLS only.
    #[must_use]
    pub fn behind_tls(certificates: &Certificates) -> Self {
        let [authority, certificate, key] = [
            certificates.authority(),
            certificates.certificate(),
            certificates.key(),
        ]
        .map(|path| path.to_str().unwrap().to_owned());
        let mut server = Self::with(
            USUAL,
            &[
                "--tls-ca-cert-file",
                &authority,
                "--tls-cert-file",
                &certificate,
                "--tls-key-file",
                &key,
                "--tls-auth-clients",
                "no",
            ],
        );
        // Where it listens in plain, it is to listen with TLS.
        let port = server.address().rsplit(':').next().unwrap().to_owned();
        let tls = ["--port", "0", "--tls-port", &port].map(str::to_owned);
        server.arguments.extend(tls);
        server.tls = true;
        server.kill();
        server.restart();
        server
    }

    /// Starts a sentinel that watches nothing yet.
    pub(crate) fn sentinel() -> Self {
        Self::started(vec!["--sentinel".to_owned()])
    }

    pub(crate) fn with(rules: &str, settings: &[&str]) -> Self {
        let user = format!("app on >of-the-app -@all {HANDLE} {rules}");
        let user = ["--user"].into_iter().chain(user.split(' '));
        let arguments = user.chain(settings.iter().copied());
        Self::started(arguments.map(str::to_owned).collect())
    }

    fn started(arguments: Vec<String>) -> Self {
        let found = Command::new("redis-server")
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        assert!(
            found.is_ok_and(|status| status.success()),
            "redis-server is missing: apt-get install redis-server"
        );
        loop {
            let directory = tempfile::tempdir().unwrap();
            let address = RedisServer::get_addr(get_random_available_port());
            // Somebody else may have taken the port meanwhile; another one is free.
            if let Some(running) = run(address, &arguments, &directory) {
                return Self {
                    running,
                    arguments,
                    tls: false,
                    directory,
                };
            }
        }
    }

    /// Returns host and port.
    #[must_use]
    pub fn address(&self) -> String {
        self.running.client_addr().to_string()
    }

    /// Returns the URL to connect to, with a login that may do no more than it has to.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(&self.address())
    }

    /// Returns the same at the address of a [`Proxy`](crate::Proxy).
    #[must_use]
    pub fn url_at(&self, address: &str) -> String {
        let scheme = if self.tls { "rediss" } else { "redis" };
        format!("{scheme}://{LOGIN}{address}")
    }

    /// Returns the URL with another login, `user:password@`, or none for the default user.
    #[must_use]
    pub fn url_as(&self, login: &str) -> String {
        format!("redis://{login}{}", self.address())
    }

    /// Connects in plain as the default user, who may do everything.
    pub async fn admin(&self) -> Admin {
        Admin::connect(self.url_as("")).await
    }

    /// Ends the process as a crash would.
    pub fn kill(&mut self) {
        self.running.stop();
    }

    /// Starts a process anew where the killed one was.
    pub fn restart(&mut self) {
        let address = self.running.client_addr().clone();
        self.running = run(address, &self.arguments, &self.directory).unwrap();
    }

    /// Stops the process without closing anything.
    pub fn stall(&self) {
        self.signal("STOP");
    }

    /// Lets a stalled process go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let line = format!("kill -{signal} {}", self.running.process.id());
        let status = Command::new("sh").args(["-c", &line]).status().unwrap();
        assert!(status.success());
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

/// Starts a process and waits until it listens, or returns nothing if it ends.
fn run(address: ConnectionAddr, arguments: &[String], directory: &TempDir) -> Option<RedisServer> {
    let listening = address.to_string();
    // A sentinel keeps there what it knows; others start from an empty one.
    let configuration = directory.path().join("redis.conf");
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&configuration)
        .unwrap();
    let mut server = RedisServer::new_with_addr_tls_modules_and_spawner(
        address,
        Some(&configuration),
        None,
        false,
        None,
        &[],
        |server| {
            server
                .args(arguments)
                .current_dir(directory)
                .spawn()
                .unwrap()
        },
    );
    const PAUSE: Duration = Duration::from_millis(1);
    for _ in 0..PATIENCE.as_millis() {
        if server.process.try_wait().unwrap().is_some() {
            return None;
        }
        if TcpStream::connect(&listening).is_ok() {
            return Some(server);
        }
        sleep(PAUSE);
    }
    panic!("redis-server does not listen at {listening}");
}
