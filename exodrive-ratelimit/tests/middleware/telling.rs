//! What clients are told.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use exodrive_ratelimit::{
    BuildError, ClientIp, Decision, HeaderStyle, IpNet, Limit, MINUTE, MemoryStore, Outcome,
    RateLimitLayer, RateLimited, RateLimiter, ResetFormat, Subject,
};
use http::{Request, Response, StatusCode};
use tokio::time::advance;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{
    Body, User, header, limiter, limiter_on, public, request, request_of, send, serve, status,
};

#[tokio::test(start_paused = true)]
async fn every_response_tells_where_the_client_stands() {
    let limiter = limiter([public(2)]);
    let response = send(&limiter, request("/")).await;
    let headers = response.headers();
    assert_eq!(header(headers, "ratelimit-policy"), r#""public";q=2;w=60"#);
    assert_eq!(header(headers, "ratelimit"), r#""public";r=1;t=66"#);
    assert_eq!(header(headers, "x-ratelimit-limit"), "2");
    assert_eq!(header(headers, "x-ratelimit-remaining"), "1");
    let reset: u64 = header(headers, "x-ratelimit-reset").parse().unwrap();
    assert!(reset > 1_700_000_000);
    assert!(!headers.contains_key("retry-after"));
    assert!(!headers.contains_key("cache-control"));
    let decision: &Decision = response.extensions().get().unwrap();
    assert_eq!(decision.outcome(), Outcome::Allowed);
    assert!(response.extensions().get::<RateLimited>().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_why_and_until_when() {
    let limiter = limiter([public(1)]);
    send(&limiter, request("/")).await;
    advance(Duration::from_millis(10_300)).await;
    let response = send(&limiter, request("/")).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(*response.body(), "");
    let headers = response.headers();
    assert_eq!(header(headers, "retry-after"), "56");
    assert_eq!(header(headers, "cache-control"), "no-store");
    assert_eq!(header(headers, "ratelimit"), r#""public";r=0;t=56"#);
    let refused: &RateLimited = response.extensions().get().unwrap();
    assert_eq!(refused.retry_after(), Some(Duration::from_millis(55_700)));
    assert_eq!(refused.limit().unwrap().name(), "public");
    assert_eq!(
        refused.to_string(),
        "the rate limit `public` is exhausted; retry after 55.7s"
    );

    advance(Duration::from_millis(55_700)).await;
    assert_eq!(status(&limiter, request("/")).await, 200);
}

#[tokio::test]
async fn a_refusal_can_have_a_body_but_no_other_status() {
    let limiter = limiter([public(1)]);
    let refusal = |refused: &RateLimited| {
        let mut response = Response::new("slow down");
        response
            .headers_mut()
            .insert("x-status", refused.status().as_u16().into());
        response
    };
    let layer = RateLimitLayer::new(limiter).with_refusal(refusal);
    let service = layer.layer(service_fn(serve));
    service.clone().oneshot(request("/")).await.unwrap();
    let response = service.oneshot(request("/")).await.unwrap();
    assert_eq!(*response.body(), "slow down");
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(response.headers(), "x-status"), "429");
}

#[tokio::test]
async fn the_style_of_headers_can_be_chosen() {
    for (style, draft, reset) in [
        (HeaderStyle::None, false, None),
        (HeaderStyle::Draft11, true, None),
        (HeaderStyle::legacy(), false, Some('1')),
        (HeaderStyle::Both(ResetFormat::Rfc3339), true, Some('Z')),
    ] {
        let limiter = RateLimiter::builder(MemoryStore::default())
            .limit(public(1))
            .headers(style)
            .build()
            .unwrap();
        let response = send(&limiter, request("/")).await;
        assert_eq!(response.headers().contains_key("ratelimit"), draft);
        let written = header(response.headers(), "x-ratelimit-reset");
        assert_eq!(reset.is_none(), written.is_empty());
        assert!(reset.is_none_or(|mark| written.contains(mark)), "{written}");
    }
}

#[tokio::test]
async fn of_nested_limiters_the_outer_tells_of_both() {
    let store = Arc::new(MemoryStore::default());
    let by_ip = limiter_on(Arc::clone(&store), [public(60)]);
    let user_limit = Limit::sliding_window("authenticated", 1, MINUTE).by_user();
    let by_user = limiter_on(store, [user_limit]);
    let service =
        RateLimitLayer::new(by_ip).layer(RateLimitLayer::new(by_user).layer(service_fn(serve)));

    let served = service.clone().oneshot(request_of("ada")).await.unwrap();
    assert_eq!(
        header(served.headers(), "ratelimit-policy"),
        r#""public";q=60;w=60, "authenticated";q=1;w=60"#
    );
    assert_eq!(
        header(served.headers(), "x-ratelimit-limit"),
        "1",
        "the tighter one"
    );
    assert_eq!(served.headers().get_all("ratelimit").iter().count(), 1);

    let refused = service.clone().oneshot(request_of("ada")).await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(header(refused.headers(), "ratelimit").starts_with(r#""public";r=58;"#));
    assert_ne!(header(refused.headers(), "retry-after"), "");
    let decision: &Decision = refused.extensions().get().unwrap();
    assert_eq!(decision.outcome(), Outcome::Refused);
    assert_eq!(decision.limits().len(), 2);

    let anonymous = service.oneshot(request("/")).await.unwrap();
    let policy = header(anonymous.headers(), "ratelimit-policy");
    assert_eq!(policy, r#""public";q=60;w=60"#);
}

fn has_credentials(request: &http::request::Parts) -> bool {
    request.headers.contains_key("authorization")
}

#[tokio::test]
async fn limits_before_and_after_authentication_work_on_one_store() -> Result<(), BuildError> {
    let store = Arc::new(MemoryStore::default());
    let by_ip = |name: &'static str, max| Limit::sliding_window(name, max, MINUTE).by_ip();
    let edge = RateLimiter::builder(store.clone())
        .client_ip(ClientIp::trusted_proxies(Vec::<IpNet>::new()))
        .limit(by_ip("public", 2).on(|request| !has_credentials(request)))
        .limit(
            by_ip("authentication", 1)
                .on(has_credentials)
                .settle(|response| u32::from(response.status == StatusCode::UNAUTHORIZED)),
        )
        .build()?;
    let users = RateLimiter::builder(store)
        .identify(|request| {
            let user = request.extensions.get::<User>();
            user.map(|user| Subject::user(user.0))
        })
        .limit(Limit::sliding_window("authenticated", 3, MINUTE).by_user())
        .build()?;
    // Inside is what decides who somebody is; only ada's password is known.
    let inside = RateLimitLayer::new(users).layer(service_fn(|request: Request<Body>| {
        let known = request.extensions().get::<User>().is_some();
        let mut response = Response::new("");
        if request.headers().contains_key("authorization") && !known {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        ready(Ok::<_, String>(response))
    }));
    let authenticated = inside.map_request(|mut request: Request<Body>| {
        if header(request.headers(), "authorization") == "ada" {
            request.extensions_mut().insert(User("ada"));
        }
        request
    });
    let service = RateLimitLayer::new(edge).layer(authenticated);

    let mut got = Vec::new();
    for credentials in ["ada", "ada", "", "mallory", "mallory", "", "", "ada"] {
        let mut request = request("/");
        if !credentials.is_empty() {
            let value = credentials.parse().unwrap();
            request.headers_mut().insert("authorization", value);
        }
        let response = service.clone().oneshot(request).await.unwrap();
        got.push(response.status().as_u16());
    }
    // A wrong password counts, a right one does not; but who has guessed too often from an address is stopped there.
    assert_eq!(got, [200, 200, 200, 401, 429, 200, 429, 429]);
    Ok(())
}
