//! Limits that several instances count together.

use exodrive_faults::Server as Redis;
use exodrive_tests::{NORA, Server, header};
use reqwest::Method;
use serde_json::json;

use super::instances::{Instances, look, order};

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
    let redis = Redis::allowing("~* +@all");
    let Instances { one, other, .. } = Instances::start(&redis, |_| {}).await;
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
async fn one_of_four_instances_without_redis_admits_its_share() {
    let url = "redis://127.0.0.1:1".parse().unwrap();
    let server = Server::start_with(|config| {
        config.redis_url = Some(url);
        config.rate_limit_instances = 4;
    })
    .await;
    for left in (0..15).rev() {
        assert_eq!(remaining(&server).await, left);
    }
    let refused = server.get("/api/v1/fleet").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(header(&refused, "x-ratelimit-limit"), Some("15"));
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

#[tokio::test]
async fn whoever_is_banned_through_one_instance_is_refused_by_both() {
    let redis = Redis::allowing("~* +@all");
    let pair = Instances::start(&redis, |config| {
        config.rate_limit_max_requests = 1_000_000;
    })
    .await;
    until_shared(&redis, &pair.one).await;
    until_shared(&redis, &pair.other).await;
    let ban = json!({ "kind": "ban", "whom": "127.0.0.1", "seconds": 900, "reason": "a test" });
    order(&pair.one, Method::POST, "orders", &ban).await;
    assert_eq!(pair.one.get("/api/v1/fleet").await.status(), 429);
    pair.until(async |pair| pair.other.get("/api/v1/fleet").await.status() == 429)
        .await;

    let lifted = json!({ "kind": "ban", "whom": "127.0.0.1" });
    order(&pair.other, Method::POST, "orders/lift", &lifted).await;
    pair.until(async |pair| pair.one.get("/api/v1/fleet").await.status() == 200)
        .await;
}

#[tokio::test]
async fn a_limit_that_only_watches_on_one_instance_does_so_on_both() {
    let redis = Redis::allowing("~* +@all");
    let pair = Instances::start(&redis, |_| {}).await;
    until_shared(&redis, &pair.one).await;
    let shadow = json!({ "mode": "shadow", "reason": "a test" });
    order(&pair.one, Method::PUT, "limits/public", &shadow).await;
    pair.until(async |pair| look(&pair.other, "limits").await[0]["mode"] == "shadow")
        .await;
    let watched = pair.other.get("/api/v1/fleet").await;
    assert_eq!(header(&watched, "x-ratelimit-limit"), None);
    order(&pair.other, Method::DELETE, "limits/public", &json!({})).await;
    pair.until(async |pair| look(&pair.one, "limits").await[0]["mode"] == "enforce")
        .await;
}
