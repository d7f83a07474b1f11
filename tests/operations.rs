//! The listener for operators: who may look, who may change, and what does not get through.

use exodrive_tests::{OPERATIONS_TOKEN, Server, envelope, header};
use reqwest::{Method, Response};
use serde_json::{Value, json};

const LOOKS: [&str; 9] = [
    "overview", "history", "flags", "policies", "limits", "refused", "orders", "events", "failures",
];

/// Each with a body that is right.
fn changes() -> [(Method, &'static str, Value); 11] {
    let order = json!({ "kind": "deny", "whom": "192.0.2.7" });
    [
        (Method::POST, "check", json!({})),
        (Method::POST, "orders", order.clone()),
        (Method::POST, "orders/lift", order),
        (Method::PUT, "flags/redis-cache", json!({ "percent": 100 })),
        (Method::DELETE, "flags/redis-cache", json!({})),
        (Method::PUT, "policies/car", json!({ "mode": "shadow" })),
        (Method::DELETE, "policies/car", json!({})),
        (Method::PUT, "limits/booking", json!({ "mode": "shadow" })),
        (Method::DELETE, "limits/booking", json!({})),
        (Method::POST, "purge", json!({ "tag": "car:none" })),
        (Method::POST, "rollback", json!({})),
    ]
}

async fn with_token() -> Server {
    let token = OPERATIONS_TOKEN.parse().unwrap();
    Server::start_with(|config| config.admin_token = Some(token)).await
}

async fn look(server: &Server, path: &str) -> Response {
    let request = server.operations(Method::GET, &format!("/ops/api/{path}"));
    request.send().await.unwrap()
}

async fn change(
    server: &Server,
    token: &str,
    method: Method,
    path: &str,
    body: &Value,
) -> Response {
    let request = server.operations(method, &format!("/ops/api/{path}"));
    request.bearer_auth(token).json(body).send().await.unwrap()
}

#[tokio::test]
async fn anybody_may_look_and_nobody_may_change_without_an_admin_token() {
    let server = Server::start().await;
    for path in LOOKS {
        let answer = look(&server, path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.json::<Value>().await.unwrap();
    }
    for (method, path, body) in changes() {
        let answer = change(&server, OPERATIONS_TOKEN, method, path, &body).await;
        assert_eq!(answer.status(), 403, "{path}");
        let body = envelope(answer).await;
        assert_eq!(body["error"]["message"], "This server is read-only");
    }
}

#[tokio::test]
async fn only_the_token_changes_anything_and_guessing_ends_soon() {
    let server = with_token().await;
    for (method, path, body) in changes() {
        let answer = change(&server, OPERATIONS_TOKEN, method, path, &body).await;
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }
    let mut refused = None;
    for guess in 0..=10 {
        let token = format!("{guess:032}");
        let answer = change(&server, &token, Method::POST, "check", &json!({})).await;
        match answer.status().as_u16() {
            401 => assert!(answer.headers().contains_key("www-authenticate")),
            429 => refused = Some(guess),
            other => panic!("{other}"),
        }
    }
    assert_eq!(refused, Some(10));
    // Looking goes on, and so does the API.
    assert_eq!(look(&server, "overview").await.status(), 200);
    assert_eq!(server.get("/api/v1/fleet").await.status(), 200);
}

#[tokio::test]
async fn other_sites_change_nothing_even_with_the_token() {
    let server = with_token().await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        for (method, path, body) in changes() {
            let request = server.operations(method, &format!("/ops/api/{path}"));
            let request = request
                .bearer_auth(OPERATIONS_TOKEN)
                .json(&body)
                .header(name, value);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 403, "{name}: {value} on {path}");
        }
    }
    assert_eq!(
        look(&server, "flags")
            .await
            .text()
            .await
            .unwrap()
            .matches("100")
            .count(),
        3
    );
}

#[tokio::test]
async fn a_name_that_points_to_this_machine_is_not_of_this_machine() {
    let server = with_token().await;
    for path in ["/", "/ops/api/overview"] {
        let request = server
            .operations(Method::GET, path)
            .header("host", "rebound.example");
        assert_eq!(request.send().await.unwrap().status(), 403, "{path}");
    }
}

#[tokio::test]
async fn the_page_is_kept_to_itself() {
    let server = Server::start().await;
    for path in [
        "/",
        "/assets/ops.js",
        "/assets/ops.css",
        "/assets/uplot.js",
        "/assets/uplot.css",
        "/nowhere",
    ] {
        let answer = server.operations(Method::GET, path).send().await.unwrap();
        let policy = header(&answer, "content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"));
        assert_eq!(header(&answer, "cache-control"), Some("no-store"));
        assert_eq!(header(&answer, "access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn operations_are_not_on_the_listener_of_the_api() {
    let server = with_token().await;
    for path in ["/ops/api/overview", "/ops/api/stream", "/assets/ops.js"] {
        assert_eq!(server.get(path).await.status(), 404, "{path}");
    }
    assert!(server.running.operations_address().ip().is_loopback());
}

#[tokio::test]
async fn orders_are_obeyed_at_once_and_say_who_gave_them() {
    let server = with_token().await;
    let order = json!({ "kind": "ban", "whom": "127.0.0.1", "seconds": 900, "reason": "a test" });
    let given = change(&server, OPERATIONS_TOKEN, Method::POST, "orders", &order).await;
    assert_eq!(given.status(), 204);
    let refused = server.get("/api/v1/fleet").await;
    assert_eq!(refused.status(), 429);
    let orders: Value = look(&server, "orders").await.json().await.unwrap();
    assert_eq!(orders[0]["whom"], "127.0.0.1/32");
    assert_eq!(orders[0]["actor"], "operator at 127.0.0.1");
    let lifted = json!({ "kind": "ban", "whom": "127.0.0.1/32" });
    change(
        &server,
        OPERATIONS_TOKEN,
        Method::POST,
        "orders/lift",
        &lifted,
    )
    .await;
    assert_eq!(server.get("/api/v1/fleet").await.status(), 200);
}

#[tokio::test]
async fn what_makes_no_sense_changes_nothing() {
    let server = with_token().await;
    for (method, path, body) in [
        (
            Method::POST,
            "orders",
            json!({ "kind": "ban", "whom": "everybody", "seconds": 9 }),
        ),
        (
            Method::POST,
            "orders",
            json!({ "kind": "ban", "whom": "192.0.2.7" }),
        ),
        (
            Method::POST,
            "orders",
            json!({ "kind": "override", "whom": "192.0.2.7", "times": -1 }),
        ),
        (
            Method::POST,
            "orders",
            json!({ "kind": "suspension", "whom": "192.0.2.7" }),
        ),
        (Method::PUT, "flags/redis-cache", json!({ "percent": 101 })),
        (Method::PUT, "flags/none", json!({ "percent": 0 })),
        (Method::DELETE, "flags/none", json!({})),
        (Method::PUT, "policies/none", json!({ "mode": "off" })),
        (Method::DELETE, "policies/none", json!({})),
        (Method::PUT, "policies/car", json!({ "mode": "maybe" })),
        (Method::PUT, "policies/car", json!({ "percent": 101 })),
        (
            Method::PUT,
            "policies/car",
            json!({ "mode": "on", "percent": 1 }),
        ),
        (Method::PUT, "limits/none", json!({ "mode": "off" })),
        (Method::PUT, "limits/public", json!({ "mode": "sometimes" })),
        (Method::DELETE, "limits/none", json!({})),
        (Method::POST, "purge", json!({ "policy": "none" })),
        (
            Method::POST,
            "purge",
            json!({ "event": { "name": "none", "car": "car-000001" } }),
        ),
        (Method::POST, "purge", json!({ "tag": "a".repeat(20_000) })),
    ] {
        let answer = change(&server, OPERATIONS_TOKEN, method, path, &body).await;
        assert!(
            answer.status().is_client_error(),
            "{path} {body}: {}",
            answer.status()
        );
        envelope(answer).await;
    }
    assert_eq!(
        look(&server, "orders").await.json::<Value>().await.unwrap(),
        json!([])
    );
}

#[tokio::test]
async fn pages_that_follow_are_bounded_and_do_not_keep_the_server_from_stopping() {
    let server = Server::start().await;
    let mut pages = Vec::new();
    for _ in 0..16 {
        let mut page = look(&server, "stream").await;
        assert_eq!(header(&page, "content-type"), Some("text/event-stream"));
        let first = page.chunk().await.unwrap().unwrap();
        assert!(first.starts_with(b"data: {"), "{first:?}");
        pages.push(page);
    }
    let one_too_many = look(&server, "stream").await;
    assert_eq!(one_too_many.status(), 503);
    assert!(header(&one_too_many, "retry-after").is_some());
    drop(one_too_many);
    let ended = server.running.stop().await;
    assert_eq!(ended, exodrive_example_server::server::Drained::Completely);
    for page in &mut pages {
        while page.chunk().await.unwrap().is_some() {}
    }
}
