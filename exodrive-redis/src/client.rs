//! The handle.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::builder::RedisClientBuilder;
use crate::command::Command;
use crate::error::Error;
use crate::health::Health;
use crate::reply::FromReply;
use crate::reply::Reply;
use crate::script::Invocation;
use crate::servers::Servers;
use crate::stream::StreamReader;

/// A handle to one Redis server, or to one cluster, for request paths.
///
/// A clone is the same handle: it shares the connections, the breaker and the cap on calls in
/// flight. When the last clone and the last [`StreamReader`] are dropped, the background tasks and
/// the connections end.
///
/// The future of a call can be dropped at any time. Its command may still be executed.
#[derive(Clone)]
pub struct RedisClient {
    servers: Arc<Servers>,
    runtime: Handle,
}

impl RedisClient {
    /// Begins to set up a handle to the server at `url`.
    ///
    /// `redis://[user[:password]@]host[:port][/database]`, the same with `rediss` for TLS (feature
    /// `tls-rustls`), or `unix:///path[?db=…&user=…&pass=…]`;
    /// characters with a meaning in URLs are percent-encoded.
    pub fn builder(url: impl AsRef<str>) -> RedisClientBuilder {
        RedisClientBuilder::new(url.as_ref())
    }

    pub(crate) fn new(servers: Servers, runtime: Handle) -> Self {
        Self {
            servers: Arc::new(servers),
            runtime,
        }
    }

    /// Sends `command` and reads its reply as a `T`.
    ///
    /// # Errors
    ///
    /// At the deadline at the latest, with any [`ErrorKind`](crate::ErrorKind).
    pub async fn query<T: FromReply>(&self, command: &Command) -> Result<T, Error> {
        T::from_reply(self.servers.call(command.packed()).await?)
    }

    /// Sends several commands in one write and returns the outcome of each, in order.
    ///
    /// It is one call: one deadline, one place among the calls in flight. Commands of other callers
    /// may be executed in between; a [`Script`](crate::Script) is atomic, this is not. In Redis
    /// Cluster, all of them are about one slot.
    ///
    /// # Errors
    ///
    /// At the deadline at the latest. An error of the whole says nothing about how many of the
    /// commands were executed.
    pub async fn pipeline(
        &self,
        commands: impl IntoIterator<Item = Command> + Send,
    ) -> Result<Vec<Result<Reply, Error>>, Error> {
        let mut packed = redis::Pipeline::new();
        for command in commands {
            packed.add_command(command.into_packed());
        }
        if packed.is_empty() {
            return Ok(Vec::new());
        }
        self.servers.pipeline(&packed).await
    }

    /// Calls a script and reads its reply as a `T`.
    ///
    /// A server that does not know the script is told it, in the one repetition this crate makes.
    ///
    /// # Errors
    ///
    /// At the deadline at the latest, with any [`ErrorKind`](crate::ErrorKind).
    pub async fn invoke<T: FromReply>(&self, invocation: &Invocation<'_>) -> Result<T, Error> {
        T::from_reply(self.servers.call(invocation).await?)
    }

    /// Starts to read the stream at `key`, from now on and on a connection of its own.
    ///
    /// ```no_run
    /// use exodrive_redis::RedisClient;
    /// use exodrive_redis::StreamEvent;
    ///
    /// async fn follow(redis: &RedisClient) {
    ///     let mut changes = redis.read_stream("changes");
    ///     while let Some(event) = changes.next().await {
    ///         match event {
    ///             StreamEvent::Entry(entry) => println!("{:?} changed", entry.field("car")),
    ///             StreamEvent::Lost(_) => println!("what is remembered may be out of date"),
    ///             StreamEvent::Resumed => println!("what has changed meanwhile follows"),
    ///             StreamEvent::Began => println!("anything may have changed"),
    ///             _ => {}
    ///         }
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn read_stream(&self, key: impl Into<Vec<u8>>) -> StreamReader {
        StreamReader::start(Arc::clone(&self.servers), key.into(), &self.runtime)
    }

    /// Waits until calls go through, for a service that would rather not start without Redis.
    ///
    /// # Errors
    ///
    /// After `patience`, with the last reason why not.
    pub async fn require(&self, patience: Duration) -> Result<(), Error> {
        let mut health = self.watch();
        match timeout(patience, health.wait_for(Health::is_connected)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(self
                .health()
                .last_error()
                .cloned()
                .unwrap_or_else(|| Error::timed_out(patience))),
        }
    }

    /// Returns how the handle is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        self.servers.health().borrow().clone()
    }

    /// Returns a channel that holds the latest [`Health`]; it closes with the last handle.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Health> {
        self.servers.health().subscribe()
    }

    /// Returns how many connections have taken up calls so far.
    ///
    /// A connection is counted before any call is made on it. So as long as the number stays the same,
    /// every reply has come from a server that was connected already: what was found out about it
    /// then, for instance that it is not another one than before, still holds.
    #[must_use]
    pub fn connections_made(&self) -> u64 {
        self.servers.connections_made()
    }

    /// Returns how many calls are in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.servers.in_flight()
    }
}

impl fmt::Debug for RedisClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisClient")
            .field("settings", self.servers.settings())
            .field("health", &self.health())
            .finish()
    }
}
