//! Which limits apply to whom.

use std::net::SocketAddr;

use exodrive_ratelimit::{Decision, HOUR, Limit, MINUTE, Peer, Quota, Subject};
use http::{Request, StatusCode};

use crate::support::{User, header, limiter, public, request, request_of, send, status};

#[tokio::test]
async fn limits_apply_to_those_they_are_for() {
    let limiter = limiter([
        public(1).unless_authenticated(),
        Limit::sliding_window("authenticated", 2, MINUTE).by_user(),
    ]);
    let mut got = Vec::new();
    for _ in 0..3 {
        got.push(status(&limiter, request("/")).await);
        got.push(status(&limiter, request_of("ada")).await);
        got.push(status(&limiter, request_of("bob")).await);
    }
    assert_eq!(got, [200, 200, 200, 429, 200, 200, 429, 429, 429]);
}

#[tokio::test]
async fn by_user_or_ip_counts_anonymous_clients_by_their_address() {
    let limiter = limiter([Limit::sliding_window("booking", 1, HOUR).by_user_or_ip()]);
    let mut elsewhere = request("/");
    let peer: SocketAddr = "192.0.2.2:9".parse().unwrap();
    elsewhere.extensions_mut().insert(Peer(peer));
    for request in [
        request_of("ada"),
        request_of("bob"),
        request("/"),
        elsewhere,
    ] {
        assert_eq!(status(&limiter, request.clone()).await, 200);
        assert_eq!(status(&limiter, request).await, 429);
    }
}

#[tokio::test]
async fn conditions_must_all_hold() {
    let limit = public(1)
        .on(|request| request.uri.path().starts_with("/b"))
        .on(|request| request.extensions.get::<User>().is_none());
    let limiter = limiter([limit]);
    assert_eq!(status(&limiter, request("/bookings")).await, 200);
    assert_eq!(status(&limiter, request("/bookings")).await, 429);
    let untouched = send(&limiter, request("/cars")).await;
    assert_eq!(untouched.status(), StatusCode::OK);
    assert!(untouched.headers().is_empty());
    assert!(untouched.extensions().get::<Decision>().is_none());
}

#[tokio::test]
async fn costs_and_subjects_can_come_from_the_request() {
    let limit = Limit::gcra("points", Quota::per_hour(10))
        .by(|request| {
            let tenant = request.headers.get("x-tenant")?.to_str().ok()?;
            Some(Subject::custom("tenant", tenant))
        })
        .cost_by(|request| request.uri.path().len() as u32);
    let limiter = limiter([limit]);
    let of = |tenant: &'static str, path| {
        let mut request = request(path);
        request
            .headers_mut()
            .insert("x-tenant", tenant.parse().unwrap());
        request
    };
    assert_eq!(status(&limiter, of("a", "/1234567")).await, 200);
    assert_eq!(status(&limiter, of("a", "/12")).await, 429);
    assert_eq!(status(&limiter, of("a", "/1")).await, 200);
    assert_eq!(status(&limiter, of("b", "/12")).await, 200);

    let hopeless = send(&limiter, of("b", "/12345678901")).await;
    assert_eq!(hopeless.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!hopeless.headers().contains_key("retry-after"));
    assert_eq!(status(&limiter, request("/anybody")).await, 200);
}

#[tokio::test]
async fn a_refusal_by_one_limit_charges_none() {
    let narrow = Limit::sliding_window("narrow", 1, MINUTE).by_ip();
    let limiter = limiter([
        public(60),
        narrow.on(|request| request.uri.path() == "/narrow"),
    ]);
    for _ in 0..10 {
        send(&limiter, request("/narrow")).await;
    }
    let response = send(&limiter, request("/")).await;
    assert_eq!(header(response.headers(), "x-ratelimit-remaining"), "58");
}

#[tokio::test]
async fn a_shadow_limit_refuses_nobody_and_is_not_told() {
    let shadow = Limit::gcra("candidate", Quota::per_day(1)).by_ip().shadow();
    let limiter = limiter([public(60), shadow]);
    send(&limiter, request("/")).await;
    let response = send(&limiter, request("/")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!header(response.headers(), "ratelimit").contains("candidate"));
    let decision: &Decision = response.extensions().get().unwrap();
    let candidate = &decision.limits()[1];
    assert!(candidate.is_shadow() && candidate.refuses());
}

#[tokio::test]
async fn without_a_peer_everybody_is_one_client() {
    let limiter = limiter([public(1)]);
    assert_eq!(status(&limiter, Request::new("ask")).await, 200);
    assert_eq!(status(&limiter, Request::new("ask")).await, 429);
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn the_peer_can_come_from_connect_info() {
    use axum::extract::ConnectInfo;

    let limiter = limiter([public(1)]);
    for host in ["192.0.2.1", "192.0.2.2"] {
        let mut request = Request::new("ask");
        let peer: SocketAddr = format!("{host}:9").parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        assert_eq!(status(&limiter, request.clone()).await, 200);
        assert_eq!(status(&limiter, request).await, 429);
    }
}
