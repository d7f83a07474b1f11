//! Who may ask how often.

use exodrive_tests::{NORA, Server, TOMAS, envelope, header};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn the_61st_anonymous_request_in_a_minute_is_refused() {
    let server = Server::start().await;
    for n in 1..=60 {
        let response = server.get("/api/v1/fleet").await;
        assert_eq!(response.status(), 200, "request {n}");
        assert_eq!(
            header(&response, "ratelimit-policy"),
            Some("\"public\";q=60;w=60")
        );
        assert_eq!(
            header(&response, "x-ratelimit-remaining").unwrap(),
            (60 - n).to_string()
        );
    }
    let refused = server.get("/api/v1/fleet").await;
    assert_eq!(refused.status(), 429);
    let retry_after: u64 = header(&refused, "retry-after").unwrap().parse().unwrap();
    assert!((1..=66).contains(&retry_after), "{retry_after}");
    assert_eq!(
        header(&refused, "ratelimit-policy"),
        Some("\"public\";q=60;w=60")
    );
    let expected = format!("\"public\";r=0;t={retry_after}");
    assert_eq!(header(&refused, "ratelimit"), Some(&*expected));
    assert_eq!(header(&refused, "x-ratelimit-limit"), Some("60"));
    assert_eq!(header(&refused, "x-ratelimit-remaining"), Some("0"));
    let reset: u64 = header(&refused, "x-ratelimit-reset")
        .unwrap()
        .parse()
        .unwrap();
    assert!(reset > 1_700_000_000, "{reset}");
    let body = envelope(refused).await;
    assert_eq!(body["error"]["code"], "RATE_LIMITED");
    assert_eq!(body["error"]["details"]["retryAfter"], retry_after);
    assert_eq!(body["error"]["details"]["limit"], "public");

    // Whoever watches over the service still reaches it, and a signed-in user has a quota of their own.
    assert_eq!(server.get("/readyz").await.status(), 200);
    let signed_in = server.get_as(NORA, "/api/v1/fleet").await;
    assert_eq!(signed_in.status(), 200);
    assert!(
        header(&signed_in, "ratelimit-policy")
            .unwrap()
            .contains("\"authenticated\";q=120;w=60")
    );
}

#[tokio::test]
async fn users_do_not_share_a_quota() {
    let server = Server::start().await;
    for _ in 0..120 {
        assert_eq!(server.get_as(NORA, "/api/v1/fleet").await.status(), 200);
    }
    assert_eq!(server.get_as(NORA, "/api/v1/fleet").await.status(), 429);
    assert_eq!(server.get_as(TOMAS, "/api/v1/fleet").await.status(), 200);
}

#[tokio::test]
async fn only_bookings_that_succeed_count() {
    let server = Server::start().await;
    let (car, _) = server.free_car().await;
    let nothing = json!({});
    for _ in 0..20 {
        let invalid = server
            .send_as(NORA, Method::POST, "/api/v1/bookings", &nothing)
            .await;
        assert_eq!(invalid.status(), 422);
    }
    for n in 0..11 {
        let (_, period) = server.free_car().await;
        let (from, to) = (period.from(), period.to());
        let response = server.book(NORA, &car, period).await;
        if n < 10 {
            assert_eq!(response.status(), 201, "booking {n} from {from} to {to}");
            let booking: Value = response.json().await.unwrap();
            let path = format!("/api/v1/bookings/{}", booking["id"].as_str().unwrap());
            let cancelled = server
                .send_as(NORA, Method::DELETE, &path, &Value::Null)
                .await;
            assert!(cancelled.status().is_success());
        } else {
            assert_eq!(response.status(), 429);
            let body = envelope(response).await;
            assert_eq!(body["error"]["details"]["limit"], "booking");
        }
    }
}

#[tokio::test]
async fn a_panic_is_charged_and_told_like_anything_else() {
    let server = Server::start_with(|config| config.debug_routes = true).await;
    let panicked = server.get_as(NORA, "/debug/panic").await;
    assert_eq!(panicked.status(), 500);
    let policy = header(&panicked, "ratelimit-policy").unwrap();
    assert!(policy.contains("\"authentication\"") && policy.contains("\"authenticated\""));
    let told = header(&panicked, "ratelimit").unwrap();
    // What settles by the response has been given back.
    assert!(told.contains("\"authentication\";r=60") && told.contains("\"authenticated\";r=119"));
    envelope(panicked).await;
}

#[tokio::test]
async fn whoever_goes_on_after_refusals_is_banned_where_that_is_switched_on() {
    for (ban_after, last_limit) in [(3, Value::Null), (0, json!("public"))] {
        let server = Server::start_with(|config| {
            config.rate_limit_max_requests = 2;
            config.rate_limit_ban_after = ban_after;
        })
        .await;
        let mut limits = Vec::new();
        for _ in 0..6 {
            let answer = server.get("/api/v1/fleet").await;
            if answer.status() == 200 {
                continue;
            }
            assert_eq!(answer.status(), 429);
            let wait = header(&answer, "retry-after").unwrap().parse::<u64>();
            let limit = envelope(answer).await["error"]["details"]["limit"].take();
            let longest = if limit.is_null() { 290..=300 } else { 1..=66 };
            assert!(longest.contains(&wait.unwrap()), "{limit}");
            limits.push(limit);
        }
        assert_eq!(
            limits[..3],
            [json!("public"), json!("public"), json!("public")]
        );
        assert_eq!(limits[3], last_limit);
        // A key does not help, as the address is banned; otherwise its user has a limit of their own.
        let with_key = server.get_as(NORA, "/api/v1/fleet").await;
        let expected = if ban_after == 0 { 200 } else { 429 };
        assert_eq!(with_key.status(), expected);
    }
}

#[tokio::test]
async fn guessing_keys_is_limited_by_address() {
    let server = Server::start().await;
    for n in 0..60 {
        let response = server.get_as(&format!("guess-{n}"), "/api/v1/fleet").await;
        assert_eq!(response.status(), 401);
    }
    let response = server.get_as("guess-60", "/api/v1/fleet").await;
    assert_eq!(
        envelope(response).await["error"]["details"]["limit"],
        "authentication"
    );
    // Anonymous requests from there are not affected.
    assert_eq!(server.get("/api/v1/fleet").await.status(), 200);
}

#[tokio::test]
async fn a_forwarded_address_counts_only_behind_a_trusted_proxy() {
    let ask = async |server: &Server, client: &str| {
        let request = server.request(Method::GET, "/api/v1/fleet");
        let response = request
            .header("x-forwarded-for", client)
            .send()
            .await
            .unwrap();
        header(&response, "x-ratelimit-remaining")
            .unwrap()
            .to_owned()
    };
    let direct = Server::start().await;
    assert_eq!(ask(&direct, "198.51.100.1").await, "59");
    assert_eq!(ask(&direct, "198.51.100.2").await, "58");

    let proxied = Server::start_with(|config| {
        config.trusted_proxies = "127.0.0.0/8".parse().unwrap();
    })
    .await;
    assert_eq!(ask(&proxied, "198.51.100.1").await, "59");
    assert_eq!(ask(&proxied, "198.51.100.2").await, "59");
    assert_eq!(ask(&proxied, "evil, 198.51.100.2").await, "58");
}
