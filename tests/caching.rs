//! Availability, fleet and car details are cached, and events remove what they made outdated.

use exodrive_tests::{ADMINISTRATOR, NORA, Server, header};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Asks twice and checks that the second answer is a hit, equal to the first, that read nothing.
async fn assert_cached(server: &Server, path: &str) -> Value {
    let miss = server.get(path).await;
    assert_eq!(header(&miss, "x-cache"), Some("MISS"), "{path}");
    assert_eq!(header(&miss, "age"), None);
    let first: Value = miss.json().await.unwrap();
    let queries = server.queries();
    assert!(queries > 0);

    let hit = server.get(path).await;
    assert_eq!(header(&hit, "x-cache"), Some("HIT"), "{path}");
    assert!(header(&hit, "age").is_some());
    let second: Value = hit.json().await.unwrap();
    assert_eq!(first, second);
    assert_eq!(server.queries(), queries, "a hit read the database");
    first
}

async fn state(server: &Server, path: &str) -> String {
    let response = server.get(path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    header(&response, "x-cache").unwrap().to_owned()
}

#[tokio::test]
async fn hits_read_nothing_from_the_database() {
    let server = Server::start().await;
    let fleet = assert_cached(&server, "/api/v1/fleet").await;
    let car = fleet["cars"][0]["id"].as_str().unwrap();
    assert_cached(&server, &format!("/api/v1/cars/{car}")).await;
    let days = "from=2030-01-01&to=2030-01-08";
    assert_cached(&server, &format!("/api/v1/cars/{car}/availability?{days}")).await;
}

#[tokio::test]
async fn what_the_answer_does_not_depend_on_does_not_matter() {
    let server = Server::start().await;
    assert_cached(&server, "/api/v1/fleet?city=berlin&page=1").await;
    assert_eq!(
        state(&server, "/api/v1/fleet?page=1&city=berlin").await,
        "HIT"
    );
    let extra = "/api/v1/fleet?utm_source=x&page=1&city=berlin";
    assert_eq!(state(&server, extra).await, "HIT");
    assert_eq!(
        state(&server, "/api/v1/fleet?city=paris&page=1").await,
        "MISS"
    );
    // One answer for everybody: who asks makes no difference to what the fleet is.
    let signed_in = server
        .get_as(NORA, "/api/v1/fleet?city=berlin&page=1")
        .await;
    assert_eq!(header(&signed_in, "x-cache"), Some("HIT"));
}

#[tokio::test]
async fn a_booking_shows_on_the_very_next_request() {
    let server = Server::start().await;
    let (car, period) = server.free_car().await;
    let (from, to) = (period.from(), period.to());
    let path = format!("/api/v1/cars/{car}/availability?from={from}&to={to}");
    let before = assert_cached(&server, &path).await;
    assert_eq!(before["available"], true);

    let booked = server.book(NORA, &car, period).await;
    assert_eq!(booked.status(), StatusCode::CREATED);
    let booking: Value = booked.json().await.unwrap();
    let during = assert_cached(&server, &path).await;
    assert_eq!(during["available"], false);
    assert_eq!(during["busy"], json!([{ "from": from, "to": to }]));

    let path_of_booking = format!("/api/v1/bookings/{}", booking["id"].as_str().unwrap());
    let cancelled = server
        .send_as(NORA, Method::DELETE, &path_of_booking, &Value::Null)
        .await;
    assert!(cancelled.status().is_success());
    let after = assert_cached(&server, &path).await;
    assert_eq!(after["available"], true);
}

#[tokio::test]
async fn a_booking_leaves_other_cars_and_the_plain_fleet_alone() {
    let server = Server::start().await;
    let (car, period) = server.free_car().await;
    let (from, to) = (period.from(), period.to());
    let free_cars = format!("/api/v1/fleet?from={from}&to={to}&per_page=100");
    let before = assert_cached(&server, &free_cars).await;
    let fleet = assert_cached(&server, "/api/v1/fleet?per_page=100").await;
    let other = fleet["cars"].as_array().unwrap().iter();
    let mut other = other.map(|car| car["id"].as_str().unwrap());
    let other = other.find(|id| *id != car).unwrap();
    let path_of_other = format!("/api/v1/cars/{other}/availability?from={from}&to={to}");
    assert_cached(&server, &path_of_other).await;

    assert_eq!(
        server.book(NORA, &car, period).await.status(),
        StatusCode::CREATED
    );
    assert_eq!(state(&server, &path_of_other).await, "HIT");
    assert_eq!(state(&server, "/api/v1/fleet?per_page=100").await, "HIT");
    // But which cars are free on those days did change.
    let after = assert_cached(&server, &free_cars).await;
    assert_eq!(
        after["total"].as_i64().unwrap(),
        before["total"].as_i64().unwrap() - 1
    );
}

#[tokio::test]
async fn changes_of_the_fleet_show_on_the_very_next_request() {
    let server = Server::start().await;
    let fleet = assert_cached(&server, "/api/v1/fleet").await;
    let total = fleet["total"].as_i64().unwrap();

    let new = json!({
        "make": "Volvo", "model": "XC60", "city": "berlin", "year": 2026,
        "licencePlate": "B-EX 3030", "pricePerDayCents": 100
    });
    let created = server
        .send_as(ADMINISTRATOR, Method::POST, "/api/v1/cars", &new)
        .await;
    let status = created.status();
    let car: Value = created.json().await.unwrap();
    assert_eq!(status, StatusCode::CREATED, "{car}");
    let fleet = assert_cached(&server, "/api/v1/fleet").await;
    assert_eq!(fleet["total"], total + 1);
    let path = format!("/api/v1/cars/{}", car["id"].as_str().unwrap());
    assert_cached(&server, &path).await;

    let change = json!({ "city": "paris", "licencePlate": "AB-123-CD", "pricePerDayCents": 200 });
    let updated = server
        .send_as(ADMINISTRATOR, Method::PUT, &path, &change)
        .await;
    assert_eq!(updated.status(), StatusCode::OK);
    let car = assert_cached(&server, &path).await;
    assert_eq!(car["pricePerDayCents"], 200);
    assert_cached(&server, "/api/v1/fleet").await;

    let deleted = server
        .send_as(ADMINISTRATOR, Method::DELETE, &path, &Value::Null)
        .await;
    assert!(deleted.status().is_success());
    assert_eq!(server.get(&path).await.status(), StatusCode::NOT_FOUND);
    let fleet = assert_cached(&server, "/api/v1/fleet").await;
    assert_eq!(fleet["total"], total);
}

#[tokio::test]
async fn many_clients_on_a_cold_key_read_the_database_once() {
    let server = Server::start_with(|config| config.rate_limit_max_requests = 1000).await;
    let alone = server.queries();
    server.get("/api/v1/fleet?city=paris").await;
    let one = server.queries() - alone;

    let before = server.queries();
    let requests = (0..100).map(|_| {
        server
            .request(Method::GET, "/api/v1/fleet?city=berlin")
            .send()
    });
    let mut clients = tokio::task::JoinSet::new();
    for request in requests {
        clients.spawn(request);
    }
    for answer in clients.join_all().await {
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(server.queries() - before, one);
}
