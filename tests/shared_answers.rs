//! Answers that several instances keep together.

use exodrive_example_server::config::DatabaseUrl;
use exodrive_faults::{PATIENCE, Server as Redis};
use exodrive_tests::{NORA, Server, header};
use reqwest::header::HOST;
use reqwest::{Method, Response};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::timeout;

/// Two instances on one database and one Redis.
struct Pair {
    one: Server,
    other: Server,
    _folder: TempDir,
}

impl Pair {
    /// Starts them, and waits until both keep answers in Redis.
    async fn start(redis: &Redis) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("cars.db");
        let instance = || {
            Server::start_with(|config| {
                config.redis_url = Some(redis.url().parse().unwrap());
                config.database_url = Some(DatabaseUrl::Sqlite(file.clone()));
                config.enable_rate_limiting = false;
            })
        };
        let pair = Self {
            one: instance().await,
            other: instance().await,
            _folder: folder,
        };
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

    /// Asks again and again.
    async fn until(&self, mut happens: impl AsyncFnMut(&Self) -> bool) {
        let asking = async { while !happens(self).await {} };
        timeout(PATIENCE, asking).await.unwrap();
    }
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
    let pair = Pair::start(&redis).await;
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
    let pair = Pair::start(&redis).await;
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
