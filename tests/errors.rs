//! Whatever goes wrong, the client gets the envelope with the trace id of its request.

use exodrive_tests::{NORA, Server, envelope, header};
use reqwest::Method;
use serde_json::{Value, json};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn failure(server: &Server, method: Method, path: &str, body: Option<&str>) -> (u16, Value) {
    let mut request = server
        .request(method, path)
        .header("authorization", format!("Bearer {NORA}"))
        .header("traceparent", format!("00-{TRACE_ID}-00f067aa0ba902b7-01"));
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_owned());
    }
    let response = request.send().await.unwrap();
    assert_eq!(header(&response, "x-trace-id"), Some(TRACE_ID));
    (response.status().as_u16(), envelope(response).await)
}

#[tokio::test]
async fn every_kind_of_failure_is_an_envelope() {
    let server = Server::start_with(|config| config.debug_routes = true).await;
    let rows = [
        (Method::GET, "/nowhere", None, 404, "NOT_FOUND"),
        (Method::GET, "/api/v1/cars/none", None, 404, "CAR_NOT_FOUND"),
        (
            Method::PATCH,
            "/api/v1/fleet",
            None,
            405,
            "METHOD_NOT_ALLOWED",
        ),
        (
            Method::POST,
            "/api/v1/bookings",
            Some("{\"carId\":"),
            400,
            "INVALID_REQUEST",
        ),
        (
            Method::POST,
            "/api/v1/bookings",
            Some("{}"),
            422,
            "VALIDATION_ERROR",
        ),
        (Method::POST, "/api/v1/cars", Some("{}"), 403, "FORBIDDEN"),
        (
            Method::DELETE,
            "/api/v1/bookings/none",
            None,
            404,
            "BOOKING_NOT_FOUND",
        ),
        (
            Method::GET,
            "/api/v1/fleet?page=x",
            None,
            400,
            "INVALID_REQUEST",
        ),
        (
            Method::GET,
            "/api/v1/fleet?page=0",
            None,
            422,
            "VALIDATION_ERROR",
        ),
        (Method::GET, "/debug/panic", None, 500, "INTERNAL_ERROR"),
    ];
    for (method, path, body, status, code) in rows {
        let (answered, body) = failure(&server, method.clone(), path, body).await;
        assert_eq!(
            (answered, &body["error"]["code"]),
            (status, &json!(code)),
            "{method} {path}: {body}"
        );
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_which_ones_there_are() {
    let server = Server::start().await;
    let response = server
        .request(Method::PATCH, "/api/v1/fleet")
        .send()
        .await
        .unwrap();
    assert_eq!(header(&response, "allow"), Some("GET,HEAD"));
    assert_eq!(envelope(response).await["status"], 405);
}

#[tokio::test]
async fn a_panic_says_nothing_but_how_to_reach_support() {
    let server = Server::start_with(|config| config.debug_routes = true).await;
    let body = envelope(server.get("/debug/panic").await).await;
    assert!(!body.to_string().contains("on purpose"), "{body}");
    let support = &body["error"]["details"]["help"]["support"];
    assert_eq!(*support, "support@exodrive.example", "{body}");
    // The server goes on.
    assert_eq!(server.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn every_invalid_field_is_named() {
    let server = Server::start().await;
    let body = json!({ "carId": "none", "from": "2020-01-01", "to": "2019-01-01" }).to_string();
    let (status, body) = failure(&server, Method::POST, "/api/v1/bookings", Some(&body)).await;
    assert_eq!(status, 422);
    let errors = body["error"]["details"]["errors"].as_array().unwrap();
    let mut pointers: Vec<_> = errors
        .iter()
        .map(|error| error["pointer"].as_str())
        .collect();
    pointers.sort_unstable();
    assert_eq!(pointers, [Some("/from"), Some("/to")], "{body}");
}

#[tokio::test]
async fn a_car_is_never_booked_twice() {
    let server = Server::start().await;
    let (car, period) = server.free_car().await;
    let (one, two) = tokio::join!(
        server.book(NORA, &car, period),
        server.book(exodrive_tests::TOMAS, &car, period)
    );
    let (booked, refused) = if one.status() == 201 {
        (one, two)
    } else {
        (two, one)
    };
    assert_eq!(booked.status(), 201);
    let body = envelope(refused).await;
    assert_eq!(body["error"]["code"], "CAR_UNAVAILABLE");
    assert!(
        body["error"]["details"]["help"]["steps"][0].is_string(),
        "{body}"
    );
}

#[tokio::test]
async fn successes_carry_the_trace_id_too() {
    let server = Server::start().await;
    let response = server
        .request(Method::GET, "/api/v1/fleet")
        .header("x-trace-id", "checkout-7f3a")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "x-trace-id"), Some("checkout-7f3a"));
    // It belongs to that request and is no part of the stored answer.
    let hit = server.get("/api/v1/fleet").await;
    assert_eq!(header(&hit, "x-cache"), Some("HIT"));
    assert_ne!(header(&hit, "x-trace-id"), Some("checkout-7f3a"));
}
