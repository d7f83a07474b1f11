//! A handle over a pool that the service already has.

use bb8_redis::RedisConnectionManager;
use bb8_redis::bb8::Pool;
use exodrive_faults::PATIENCE;
use exodrive_faults::Server;
use exodrive_redis::Command;
use exodrive_redis::RedisClient;
use exodrive_redis::Status;
use exodrive_redis::StreamEvent;
use exodrive_redis::bb8;

use crate::support::RELAXED;
use crate::support::assert_serves;
use crate::support::eventually;
use crate::support::get;
use crate::support::until;

async fn over_a_pool(server: &Server) -> (Pool<RedisConnectionManager>, RedisClient) {
    let manager = RedisConnectionManager::new(server.url()).unwrap();
    let pool = Pool::builder().max_size(4).build_unchecked(manager);
    let builder = bb8::builder(pool.clone()).deadline(RELAXED);
    let redis = builder.connect_timeout(RELAXED).build().unwrap();
    until(&redis, |health| health.connections() == 2).await;
    (pool, redis)
}

#[tokio::test]
async fn holds_its_connections_and_gives_them_back() {
    let server = Server::start();
    let (pool, redis) = over_a_pool(&server).await;
    assert_serves(&redis).await;
    let state = pool.state();
    assert_eq!(state.connections - state.idle_connections, 2);
    drop(redis);
    eventually(|| pool.state().idle_connections == pool.state().connections).await;
}

#[tokio::test]
async fn recovers_from_a_crash_though_the_pool_does_not_notice_it() {
    let mut server = Server::start();
    let (_pool, redis) = over_a_pool(&server).await;
    server.kill();
    // Each of its connections has to fail a call before it is given up.
    for _ in 0..2 {
        redis.query::<()>(&get("a")).await.unwrap_err();
    }
    until(&redis, |health| health.status() == Status::Degraded).await;
    server.restart();
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
}

#[tokio::test]
async fn a_stream_is_read_on_another_connection_of_the_pool() {
    let server = Server::start();
    let (pool, redis) = over_a_pool(&server).await;
    let mut reader = redis.read_stream("changes");
    assert_eq!(reader.next().await, Some(StreamEvent::Began));
    let state = pool.state();
    assert_eq!(state.connections - state.idle_connections, 3);
    let add = Command::new("XADD").arg("changes").arg("*");
    redis.query::<()>(&add.arg("a").arg("b")).await.unwrap();
    let Some(StreamEvent::Entry(entry)) = reader.next().await else {
        panic!("no entry");
    };
    assert_eq!(entry.field("a"), Some(&b"b"[..]));
}
