//! A master that moves.

use exodrive_faults::PATIENCE;
use exodrive_faults::Sentinels;
use exodrive_faults::Server;
use exodrive_redis::ErrorKind;
use exodrive_redis::RedisClient;
use exodrive_redis::Status;

use crate::support::assert_serves;
use crate::support::builder;
use crate::support::get;
use crate::support::until;

#[tokio::test]
async fn follows_the_master_through_a_failover() {
    let mut sentinels = Sentinels::start().await;
    let redis = builder(sentinels.url())
        .sentinels(sentinels.urls())
        .build()
        .unwrap();
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;

    sentinels.kill_master();
    until(&redis, |health| health.status() == Status::Degraded).await;
    let meanwhile = redis.query::<()>(&get("alive")).await.unwrap_err();
    assert_eq!(meanwhile.kind(), ErrorKind::Unavailable);
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
}

#[tokio::test]
async fn an_unknown_name_or_absent_sentinels_degrade() {
    let server = Server::start();
    // An ordinary server knows no such command, and nothing listens at the other address.
    let urls = [server.url(), "redis://127.0.0.1:1".to_owned()];
    let redis = RedisClient::builder("redis://the-master")
        .sentinels(urls)
        .build()
        .unwrap();
    let health = until(&redis, |health| health.last_error().is_some()).await;
    assert_eq!(health.status(), Status::Degraded);
}
