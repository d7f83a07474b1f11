//! Features and policies that are switched on every instance at once.

use exodrive_faults::Server as Redis;
use exodrive_tests::{Server, header};
use reqwest::Method;
use serde_json::{Value, json};

use super::instances::{Instances, another, look, order};

/// For how many of a hundred clients a feature is on.
async fn percent(server: &Server, feature: &str) -> Value {
    let flags = look(server, "flags").await;
    let flag = flags.as_array().unwrap().iter();
    let mut flag = flag.filter(|flag| flag["feature"] == feature);
    flag.next().unwrap()["percent"].clone()
}

/// Switches a feature, again and again until every instance will hear of it: a busy machine may take longer than a call
/// waits for Redis.
async fn switch(pair: &Instances, feature: &str, percent: u8) {
    let (path, body) = (format!("flags/{feature}"), json!({ "percent": percent }));
    pair.until(async |pair| {
        order(&pair.one, Method::PUT, &path, &body).await["result"] == "applied"
    })
    .await;
}

#[tokio::test]
async fn a_feature_is_switched_on_every_instance_also_on_later_ones() {
    let redis = Redis::allowing("~* +@all");
    let pair = Instances::start(&redis, |config| config.enable_rate_limiting = false).await;
    let kept =
        async |server: &Server| header(&server.get("/api/v1/fleet").await, "x-cache").is_some();
    assert!(kept(&pair.other).await);
    switch(&pair, "redis-cache", 0).await;
    assert!(!kept(&pair.one).await);
    pair.until(async |pair| !kept(&pair.other).await).await;

    // Its environment says that the feature is on.
    let late = another(&redis, &pair.database, |config| {
        config.enable_rate_limiting = false;
    })
    .await;
    assert!(!kept(&late).await);
    assert_eq!(look(&late, "flags").await[0]["overridden"], true);

    let path = "flags/redis-cache";
    order(&late, Method::DELETE, path, &json!({})).await;
    assert!(kept(&late).await);
    pair.until(async |pair| kept(&pair.one).await && kept(&pair.other).await)
        .await;
    assert_eq!(look(&pair.one, "flags").await[0]["overridden"], false);
}

#[tokio::test]
async fn everything_is_rolled_back_on_every_instance() {
    let redis = Redis::allowing("~* +@all");
    let pair = Instances::start(&redis, |_| {}).await;
    order(&pair.one, Method::POST, "rollback", &json!({})).await;
    for feature in ["redis-cache", "new-error-handler", "rate-limiting"] {
        assert_eq!(percent(&pair.one, feature).await, 0, "{feature}");
        pair.until(async |pair| percent(&pair.other, feature).await == 0)
            .await;
    }
}

#[tokio::test]
async fn a_policy_is_switched_on_every_instance() {
    let redis = Redis::allowing("~* +@all");
    let pair = Instances::start(&redis, |_| {}).await;
    let fleet = async |server: &Server| look(server, "policies").await[2].clone();
    for (body, mode, percent) in [
        (json!({ "mode": "shadow" }), "shadow", Value::Null),
        (json!({ "percent": 30 }), "percentage", json!(30)),
        (json!({ "mode": "off" }), "off", Value::Null),
    ] {
        order(&pair.one, Method::PUT, "policies/fleet", &body).await;
        pair.until(async |pair| fleet(&pair.other).await["mode"] == mode)
            .await;
        let shown = fleet(&pair.other).await;
        assert_eq!(shown["percent"], percent);
        assert_eq!(
            (&shown["policy"], &shown["overridden"]),
            (&json!("fleet"), &json!(true))
        );
    }
    let off = pair.other.get("/api/v1/fleet").await;
    assert_eq!(header(&off, "x-cache"), None);
    order(&pair.other, Method::DELETE, "policies/fleet", &json!({})).await;
    pair.until(async |pair| fleet(&pair.one).await["mode"] == "on")
        .await;
}

#[tokio::test]
async fn what_is_switched_while_redis_is_away_holds_here_and_then_everywhere() {
    let mut redis = Redis::allowing("~* +@all");
    let pair = Instances::start(&redis, |_| {}).await;
    switch(&pair, "rate-limiting", 30).await;
    pair.until(async |pair| percent(&pair.other, "rate-limiting").await == 30)
        .await;

    redis.kill();
    let off = json!({ "percent": 0 });
    let answer = order(&pair.one, Method::PUT, "flags/redis-cache", &off).await;
    assert_eq!(answer["result"], "deferred");
    assert_eq!(percent(&pair.one, "redis-cache").await, 0);
    assert_eq!(percent(&pair.other, "redis-cache").await, 100);
    assert_eq!(percent(&pair.other, "rate-limiting").await, 30);

    // It comes back without its data, and learns them from the instances.
    redis.restart();
    pair.until(async |pair| percent(&pair.other, "redis-cache").await == 0)
        .await;
    let late = another(&redis, &pair.database, |_| {}).await;
    assert_eq!(percent(&late, "rate-limiting").await, 30);
    assert_eq!(percent(&late, "redis-cache").await, 0);
}

#[tokio::test]
async fn the_later_of_two_orders_holds_even_if_the_earlier_one_is_told_later() {
    let redis = Redis::allowing("~* +@all");
    let pair = Instances::start(&redis, |_| {}).await;
    redis.stall();
    let path = "flags/rate-limiting";
    let earlier = order(&pair.one, Method::PUT, path, &json!({ "percent": 10 })).await;
    assert_eq!(earlier["result"], "deferred");
    let later = order(&pair.other, Method::PUT, path, &json!({ "percent": 20 })).await;
    assert_eq!(later["result"], "deferred");
    redis.resume();
    for server in [&pair.one, &pair.other] {
        pair.until(async |_| percent(server, "rate-limiting").await == 20)
            .await;
    }
}
