//! A master that moves.

use exodrive_redis::ErrorKind;
use exodrive_redis::RedisClient;
use exodrive_redis::Status;
use redis::aio::MultiplexedConnection;
use redis_test::sentinel::RedisSentinelCluster;
use redis_test::server::RedisServer;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::support::PATIENCE;
use crate::support::RELAXED;
use crate::support::Server;
use crate::support::assert_serves;
use crate::support::connection;
use crate::support::get;
use crate::support::order;
use crate::support::until;

fn url(server: &RedisServer) -> String {
    format!("redis://{}", server.client_addr())
}

async fn ask(sentinel: &mut MultiplexedConnection, words: &[&str]) -> Vec<redis::Value> {
    let question = redis::cmd("SENTINEL").arg(words).clone();
    question.query_async(sentinel).await.unwrap()
}

/// Waits until the sentinels know the replica they are to promote, and hurries them.
async fn prepare(cluster: &RedisSentinelCluster) {
    for server in &cluster.sentinel_servers {
        let mut sentinel = connection(server).await;
        let known = async {
            while ask(&mut sentinel, &["replicas", "master0"])
                .await
                .is_empty()
            {
                yield_now().await;
            }
        };
        timeout(PATIENCE, known).await.unwrap();
        order(
            &mut sentinel,
            "SENTINEL SET master0 down-after-milliseconds 300",
        )
        .await;
    }
}

#[tokio::test]
async fn follows_the_master_through_a_failover() {
    let mut cluster = RedisSentinelCluster::new(1, 1, 3);
    prepare(&cluster).await;
    let redis = RedisClient::builder("redis://master0")
        .sentinels(cluster.sentinel_servers.iter().map(url))
        .deadline(RELAXED)
        .connect_timeout(RELAXED)
        .build()
        .unwrap();
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;

    // The master was started first.
    cluster.servers[0].stop();
    until(&redis, |health| health.status() == Status::Degraded).await;
    let meanwhile = redis.query::<()>(&get("alive")).await.unwrap_err();
    assert_eq!(meanwhile.kind(), ErrorKind::Unavailable);
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
}

#[tokio::test]
async fn an_unknown_name_or_absent_sentinels_degrade() {
    let server = Server::start();
    drop(server.admin().await);
    // An ordinary server knows no such command, and nothing listens at the other address.
    let urls = [
        format!("redis://{}", server.address()),
        "redis://127.0.0.1:1".to_owned(),
    ];
    let redis = RedisClient::builder("redis://master0")
        .sentinels(urls)
        .build()
        .unwrap();
    let health = until(&redis, |health| health.last_error().is_some()).await;
    assert_eq!(health.status(), Status::Degraded);
}
