//! Limits that several instances count together.

use exodrive_faults::Server as Redis;
use exodrive_tests::{NORA, Server, header};

/// An instance that counts in this Redis, which is asked for until it answers.
async fn instance(redis: &Redis) -> Server {
    let url = redis.url().parse().unwrap();
    Server::start_with(|config| config.redis_url = Some(url)).await
}

async fn remaining(server: &Server) -> u32 {
    let response = server.get("/api/v1/fleet").await;
    assert_eq!(response.status(), 200);
    header(&response, "x-ratelimit-remaining")
        .unwrap()
        .parse()
        .unwrap()
}

/// Asks until the instance counts where everybody does: for as long as it takes to connect it counts for itself.
async fn until_shared(redis: &Redis, server: &Server) {
    let admin = redis.admin().await;
    while admin.ask::<Vec<String>>("KEYS exodrive:*").await.is_empty() {
        assert_eq!(server.get_as(NORA, "/api/v1/fleet").await.status(), 200);
    }
    admin.order("FLUSHALL").await;
}

#[tokio::test]
async fn two_instances_share_the_public_limit() {
    let redis = Redis::start();
    let (one, other) = (instance(&redis).await, instance(&redis).await);
    until_shared(&redis, &one).await;
    until_shared(&redis, &other).await;
    assert_eq!(remaining(&one).await, 59);
    assert_eq!(remaining(&other).await, 58);
    assert_eq!(remaining(&one).await, 57);
    for _ in 0..57 {
        assert_eq!(other.get("/api/v1/fleet").await.status(), 200);
    }
    for server in [&one, &other] {
        let refused = server.get("/api/v1/fleet").await;
        assert_eq!(refused.status(), 429);
        assert!(header(&refused, "retry-after").is_some());
    }
}

#[tokio::test]
async fn an_instance_starts_without_redis_and_counts_for_itself() {
    let url = "redis://127.0.0.1:1".parse().unwrap();
    let server = Server::start_with(|config| config.redis_url = Some(url)).await;
    for left in (50..60).rev() {
        assert_eq!(remaining(&server).await, left);
    }
}

#[tokio::test]
async fn an_instance_serves_on_while_redis_is_gone() {
    let mut redis = Redis::start();
    let server = instance(&redis).await;
    until_shared(&redis, &server).await;
    assert_eq!(remaining(&server).await, 59);
    redis.kill();
    for _ in 0..20 {
        let response = server.get("/api/v1/fleet").await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "x-ratelimit-limit"), Some("60"));
    }
}
