//! Calls to the server, and whether it is still the one that it was.

use std::sync::LazyLock;
use std::time::Duration;

use exodrive_redis::{Command, Error, RedisClient, Reply, Script};
use futures_util::future::join_all;
use parking_lot::RwLock;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::keys::Keys;

/// KEYS: the era; ARGV: the server's run id, a random name. Returns the name of the era.
static ERA: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../../lua/era.lua")));

/// How long a call waits for another one that finds out which server this is.
const PATIENCE: Duration = Duration::from_millis(50);

/// A handle that knows which server it talks to.
#[derive(Debug)]
pub(super) struct Link {
    redis: RedisClient,
    server: RwLock<Option<Server>>,
    /// Held while the server is asked who it is.
    asking: Mutex<()>,
}

/// What is known of the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    /// Entries of another era are not believed: another server process may have older data, in which the last
    /// invalidations are missing.
    pub(super) era: u64,
    /// How many connections there had been when this was found out.
    pub(super) connections: u64,
    /// Whether there are several, each with some of the keys.
    is_cluster: bool,
}

impl Link {
    pub(super) fn new(redis: RedisClient) -> Self {
        Self {
            redis,
            server: RwLock::new(None),
            asking: Mutex::new(()),
        }
    }

    pub(super) fn redis(&self) -> &RedisClient {
        &self.redis
    }

    /// Returns what is known of the server, after asking it if a connection was made since.
    pub(super) async fn server(&self, keys: &Keys) -> Result<Server, Error> {
        if let Some(server) = self.known() {
            return Ok(server);
        }
        // Without the lock, two could ask; that they do not is only a matter of saving work.
        let _asking = timeout(PATIENCE, self.asking.lock()).await;
        if let Some(server) = self.known() {
            return Ok(server);
        }
        self.ask(keys).await
    }

    /// Asks the server which one it is.
    pub(super) async fn ask(&self, keys: &Keys) -> Result<Server, Error> {
        let connections = self.redis.connections_made();
        let info: String = self
            .redis
            .query(&Command::new("INFO").arg("server"))
            .await?;
        let field = |name| info.lines().find_map(|line| line.strip_prefix(name));
        let is_cluster = field("redis_mode:") == Some("cluster");
        // The servers of a cluster have a run id each, which says nothing about those of the others.
        let run_id = match field("run_id:") {
            Some(run_id) if !is_cluster && !run_id.is_empty() => run_id,
            _ => "cluster",
        };
        let name = fastrand::u64(..);
        let era = ERA.keys([keys.era()]).arg(run_id).arg(name);
        let era: String = self.redis.invoke(&era).await?;
        let era = era.parse().map_err(|_| Error::unexpected("an era"))?;
        let server = Server {
            era,
            connections,
            is_cluster,
        };
        *self.server.write() = Some(server);
        Ok(server)
    }

    /// Returns whether what was answered so far came from this server.
    pub(super) fn is_still(&self, server: &Server) -> bool {
        self.redis.connections_made() == server.connections
    }

    /// Sends commands in one write, and returns their replies in order.
    ///
    /// The servers of a cluster get theirs one after the other if the order matters, and at once otherwise.
    pub(super) async fn send(
        &self,
        server: &Server,
        order: Order,
        commands: Vec<Command>,
    ) -> Result<Vec<Result<Reply, Error>>, Error> {
        match (server.is_cluster, order) {
            (false, _) => self.redis.pipeline(commands).await,
            (true, Order::Any) => {
                let queries = commands.iter().map(|command| self.redis.query(command));
                Ok(join_all(queries).await)
            }
            (true, Order::AsGiven) => {
                let mut replies = Vec::with_capacity(commands.len());
                for command in &commands {
                    let reply = self.redis.query(command).await;
                    let failed = reply.is_err();
                    replies.push(reply);
                    if failed {
                        break;
                    }
                }
                Ok(replies)
            }
        }
    }

    /// Sends commands of which none may fail.
    pub(super) async fn send_all(
        &self,
        server: &Server,
        order: Order,
        commands: Vec<Command>,
    ) -> Result<Vec<Reply>, Error> {
        let replies = self.send(server, order, commands).await?;
        replies.into_iter().collect()
    }

    fn known(&self) -> Option<Server> {
        let server = *self.server.read();
        server.filter(|server| self.is_still(server))
    }
}

/// Whether commands are executed one after the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Order {
    AsGiven,
    Any,
}
