//! Answers that several instances keep together.

use exodrive_faults::Server as Redis;
use exodrive_tests::{NORA, Server, header};
use reqwest::header::HOST;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::instances::{Instances, order};

/// Starts two instances, and waits until both keep answers in Redis.
async fn instances(redis: &Redis) -> Instances {
    let pair = Instances::start(redis, |config| config.enable_rate_limiting = false).await;
    let mut page = 1;
    pair.until(async |pair| {
        page += 1;
        let path = format!("/api/v1/fleet?page={page}");
        let _ = state(&pair.one, &path).await;
        state(&pair.other, &path).await == "HIT"
    })
    .await;
    pair
}

/// Asks an instance under the name that clients know both by.
async fn ask(server: &Server, path: &str) -> Response {
    let request = server.request(Method::GET, path);
    let response = request.header(HOST, "cars.example").send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response
}

async fn state(server: &Server, path: &str) -> String {
    header(&ask(server, path).await, "x-cache")
        .unwrap()
        .to_owned()
}

async fn is_available(server: &Server, path: &str) -> bool {
    let answer: Value = ask(server, path).await.json().await.unwrap();
    answer["available"].as_bool().unwrap()
}

#[tokio::test]
async fn a_booking_through_one_instance_shows_on_both() {
    let redis = Redis::allowing("~* +@all");
    let pair = instances(&redis).await;
    let (car, period) = pair.one.free_car().await;
    let (from, to) = (period.from(), period.to());
    let path = format!("/api/v1/cars/{car}/availability?from={from}&to={to}");
    assert!(is_available(&pair.one, &path).await);
    let queries = pair.other.queries();
    assert!(is_available(&pair.other, &path).await);
    assert_eq!(state(&pair.other, &path).await, "HIT");
    assert_eq!(pair.other.queries(), queries, "it asked the database");

    let booked = pair.one.book(NORA, &car, period).await;
    assert_eq!(booked.status(), 201);
    assert!(!is_available(&pair.one, &path).await);
    // Its memory hears of it as soon as the message is there.
    pair.until(async |pair| !is_available(&pair.other, &path).await)
        .await;
    assert!(!is_available(&pair.one, &path).await);
}

#[tokio::test]
async fn nothing_fails_and_nothing_is_stale_while_redis_is_gone_and_when_it_is_back() {
    let mut redis = Redis::allowing("~* +@all");
    let pair = instances(&redis).await;
    let (car, period) = pair.one.free_car().await;
    let (from, to) = (period.from(), period.to());
    let path = format!("/api/v1/cars/{car}/availability?from={from}&to={to}");
    assert!(is_available(&pair.one, &path).await);
    assert!(is_available(&pair.other, &path).await);

    redis.kill();
    assert!(is_available(&pair.other, &path).await);
    let booked = pair.one.book(NORA, &car, period).await;
    assert_eq!(booked.status(), 201);
    assert!(!is_available(&pair.one, &path).await);
    pair.until(async |pair| !is_available(&pair.other, &path).await)
        .await;

    redis.restart();
    pair.until(async |pair| {
        assert!(!is_available(&pair.one, &path).await);
        assert!(!is_available(&pair.other, &path).await);
        state(&pair.one, &path).await == "HIT" && state(&pair.other, &path).await == "HIT"
    })
    .await;
}

#[tokio::test]
async fn what_is_purged_through_one_instance_is_gone_from_both() {
    let redis = Redis::allowing("~* +@all");
    let pair = instances(&redis).await;
    let (car, _) = pair.one.free_car().await;
    let path = format!("/api/v1/cars/{car}");
    for what in [
        json!({ "tag": format!("car:{car}") }),
        json!({ "policy": "car" }),
        json!({ "event": { "name": "car.updated", "car": car } }),
        json!({ "all": {} }),
    ] {
        pair.until(async |pair| {
            state(&pair.one, &path).await == "HIT" && state(&pair.other, &path).await == "HIT"
        })
        .await;
        order(&pair.one, Method::POST, "purge", &what).await;
        pair.until(async |pair| state(&pair.other, &path).await == "MISS")
            .await;
    }
}
