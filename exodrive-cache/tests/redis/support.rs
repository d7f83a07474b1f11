//! Servers, and stores on them.

use std::time::Duration;

use exodrive_cache::RedisStore;
use exodrive_faults::{PATIENCE, Server};
use exodrive_redis::{RedisClient, RedisClientBuilder};

/// What the user of a store may do, as its documentation states it.
pub(crate) const STORE: &str = "~cache:* +del +evalsha +get +hdel +hkeys +hlen +hmget +hset +info +pexpire +script|load +set \
     +setrange +time +xadd +xrange +xread +xrevrange";

pub(crate) fn start() -> Server {
    Server::allowing(STORE)
}

/// A client of a patient kind, since the machine may be busy.
pub(crate) fn builder(server: &Server) -> RedisClientBuilder {
    RedisClient::builder(server.url())
        .deadline(PATIENCE)
        .connect_timeout(PATIENCE)
}

pub(crate) async fn connect(server: &Server) -> RedisClient {
    let redis = builder(server).build().unwrap();
    redis.require(PATIENCE).await.unwrap();
    redis
}

pub(crate) async fn store(server: &Server) -> RedisStore {
    RedisStore::new(connect(server).await).lease(Duration::from_millis(100))
}

/// A client in a hurry, at the address of a server or of a proxy.
pub(crate) async fn client(server: &Server, address: &str, deadline: Duration) -> RedisClient {
    let redis = RedisClient::builder(server.url_at(address))
        .deadline(deadline)
        .connect_timeout(2 * deadline)
        .build()
        .unwrap();
    redis.require(PATIENCE).await.unwrap();
    redis
}
