//! The layer around a service, seen from outside.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use exodrive_ratelimit::store::{Charge, Settlement, Source, Verdict};
use exodrive_ratelimit::{
    BuildError, ClientIp, Decision, HOUR, HeaderStyle, IpNet, Limit, MINUTE, MemoryStore,
    OnStoreError, Outcome, Peer, Quota, RateLimitLayer, RateLimited, RateLimiter, ResetFormat,
    Store, StoreError, Subject,
};
use http::{HeaderMap, Request, Response, StatusCode};
use tokio::time::{advance, timeout};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_test::mock;

type Body = &'static str;
type Limiter = RateLimiter<Arc<MemoryStore>>;

/// Who is signed in, as the authentication of these tests leaves it in the request.
#[derive(Clone, Copy)]
struct User(&'static str);

fn limiter(limits: impl IntoIterator<Item = Limit>) -> Limiter {
    limiter_on(Arc::new(MemoryStore::default()), limits)
}

fn limiter_on<St: Store>(store: St, limits: impl IntoIterator<Item = Limit>) -> RateLimiter<St> {
    let builder = RateLimiter::builder(store).identify(|request| {
        let User(id) = request.extensions.get()?;
        Some(Subject::user(id))
    });
    limits
        .into_iter()
        .fold(builder, |builder, limit| builder.limit(limit))
        .build()
        .unwrap()
}

fn public(max: u32) -> Limit {
    Limit::sliding_window("public", max, MINUTE).by_ip()
}

fn request(path: &'static str) -> Request<Body> {
    let peer: SocketAddr = "192.0.2.1:9".parse().unwrap();
    let request = Request::builder().uri(path).extension(Peer(peer));
    request.body("ask").unwrap()
}

fn request_of(user: &'static str) -> Request<Body> {
    let mut request = request("/");
    request.extensions_mut().insert(User(user));
    request
}

type Served = Ready<Result<Response<Body>, String>>;

fn serve(_: Request<Body>) -> Served {
    ready(Ok(Response::new("served")))
}

async fn send<St: Store>(limiter: &RateLimiter<St>, request: Request<Body>) -> Response<Body> {
    let service = RateLimitLayer::new(limiter.clone()).layer(service_fn(serve));
    service.oneshot(request).await.unwrap()
}

async fn status<St: Store>(limiter: &RateLimiter<St>, request: Request<Body>) -> u16 {
    send(limiter, request).await.status().as_u16()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

// === the way of a request ===

type Asked = Request<Body>;
type Answered = Response<Body>;

/// What reaches the inner service; time is paused, so that nothing that fails to come is waited for.
async fn next(handle: &mut mock::Handle<Asked, Answered>) -> (Asked, mock::SendResponse<Answered>) {
    let next = timeout(Duration::from_secs(1), handle.next_request());
    next.await.unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn calls_the_service_that_was_polled_ready() {
    // The mock panics if a clone that was not polled ready is called.
    let layer = RateLimitLayer::new(limiter([public(10)]));
    let (mut service, mut handle) = mock::spawn_layer::<Asked, Answered, _>(layer);
    for _ in 0..3 {
        assert!(service.poll_ready().is_ready());
        let response = tokio::spawn(service.call(request("/")));
        let (_, respond) = next(&mut handle).await;
        respond.send_response(Response::new("served"));
        assert_eq!(*response.await.unwrap().unwrap().body(), "served");
    }
}

#[tokio::test]
async fn is_ready_when_the_inner_service_is() {
    let layer = RateLimitLayer::new(limiter([public(10)]));
    let (mut service, mut handle) = mock::spawn_layer::<Asked, Answered, _>(layer);
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    handle.allow(1);
    assert!(service.poll_ready().is_ready());
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_inner_service() {
    let limiter = limiter([public(1)]);
    send(&limiter, request("/")).await;
    let layer = RateLimitLayer::new(limiter);
    let (mut service, mut handle) = mock::spawn_layer::<Asked, Answered, _>(layer);
    assert!(service.poll_ready().is_ready());
    let response = service.call(request("/")).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(handle.poll_request().is_pending());
}

#[tokio::test]
async fn an_error_of_the_inner_service_passes_and_keeps_the_charge() {
    let limiter = limiter([public(1).settle(|_| 0)]);
    let fail = |_: Request<Body>| ready(Err::<Response<Body>, _>("broken".to_owned()));
    let service = RateLimitLayer::new(limiter.clone()).layer(service_fn(fail));
    assert_eq!(service.oneshot(request("/")).await.unwrap_err(), "broken");
    assert_eq!(status(&limiter, request("/")).await, 429);
}

#[tokio::test]
async fn what_the_response_makes_of_the_cost_is_settled() {
    let limit = public(2).settle(|response| u32::from(response.status.is_success()));
    let limiter = limiter([limit]);
    let service = service_fn(|request: Request<Body>| {
        let found = request.uri() == "/found";
        let mut response = Response::new("");
        if !found {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        ready(Ok::<_, String>(response))
    });
    let service = RateLimitLayer::new(limiter).layer(service);
    let mut left = Vec::new();
    for path in [
        "/lost", "/lost", "/lost", "/found", "/lost", "/found", "/lost",
    ] {
        let response = service.clone().oneshot(request(path)).await.unwrap();
        let remaining = header(response.headers(), "x-ratelimit-remaining");
        left.push(format!("{} {remaining}", response.status().as_u16()));
    }
    assert_eq!(
        left,
        [
            "404 2", "404 2", "404 2", "200 1", "404 1", "200 0", "429 0"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_ends_without_a_response_keeps_its_charge() {
    let limiter = limiter([public(1).settle(|_| 0)]);
    let layer = RateLimitLayer::new(limiter.clone());
    let (mut service, mut handle) = mock::spawn_layer::<Asked, Answered, _>(layer);
    assert!(service.poll_ready().is_ready());
    let response = tokio::spawn(service.call(request("/")));
    let (_, _respond) = next(&mut handle).await;
    response.abort();
    assert!(response.await.unwrap_err().is_cancelled());
    assert_eq!(status(&limiter, request("/")).await, 429);
}

#[tokio::test(start_paused = true)]
async fn a_charge_is_made_before_the_request_is_served() {
    let limiter = limiter([public(1).settle(|_| 0)]);
    let layer = RateLimitLayer::new(limiter.clone());
    let (mut service, mut handle) = mock::spawn_layer::<Asked, Answered, _>(layer);
    assert!(service.poll_ready().is_ready());
    let response = tokio::spawn(service.call(request("/")));
    let (_, respond) = next(&mut handle).await;
    assert_eq!(
        status(&limiter, request("/")).await,
        429,
        "the only slot is taken"
    );
    respond.send_response(Response::new("served"));
    response.await.unwrap().unwrap();
    assert_eq!(status(&limiter, request("/")).await, 200);
}

// === telling ===

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

// === which limits apply ===

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

// === when the store cannot tell ===

struct Broken;

impl Store for Broken {
    async fn check(&self, _: &[Charge<'_>]) -> Result<Verdict, StoreError> {
        Err(StoreError::new("no answer"))
    }

    async fn settle(&self, _: Vec<Settlement>) -> Result<(), StoreError> {
        Err(StoreError::new("no answer"))
    }

    async fn reset(&self, _: &[Charge<'_>]) -> Result<(), StoreError> {
        Err(StoreError::new("no answer"))
    }
}

#[tokio::test]
async fn a_limit_that_denies_without_an_answer_says_503() {
    let limiter = limiter_on(Broken, [public(60).on_store_error(OnStoreError::Deny)]);
    let response = send(&limiter, request("/")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(response.headers(), "retry-after"), "1");
    assert_eq!(header(response.headers(), "cache-control"), "no-store");
    let refused: &RateLimited = response.extensions().get().unwrap();
    assert_eq!(refused.decision().outcome(), Outcome::Unavailable);
    assert!(refused.limit().is_none());
}

#[tokio::test]
async fn limits_that_allow_without_an_answer_let_pass_unless_another_denies() {
    let open = || public(60).on_store_error(OnStoreError::Allow);
    let closed = || {
        let limit = Limit::sliding_window("closed", 1, MINUTE).by_user();
        limit.on_store_error(OnStoreError::Deny)
    };
    let watched = closed().by_ip().shadow();
    let limiter = limiter_on(Broken, [open(), closed()]);
    assert_eq!(status(&limiter, request("/")).await, 200);
    assert_eq!(status(&limiter, request_of("ada")).await, 503);
    let limiter = limiter_on(Broken, [open(), watched]);
    assert_eq!(status(&limiter, request("/")).await, 200);
}

#[tokio::test]
async fn a_limit_is_kept_by_this_instance_without_an_answer_and_clients_are_told() {
    let limiter = limiter_on(Broken, [public(2)]);
    let response = send(&limiter, request("/")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(response.headers(), "x-ratelimit-remaining"), "1");
    let decision: &Decision = response.extensions().get().unwrap();
    assert_eq!(decision.source(), Source::FALLBACK);
    assert_eq!(status(&limiter, request("/")).await, 200);
    assert_eq!(status(&limiter, request("/")).await, 429);
}

#[tokio::test]
async fn what_the_response_makes_of_the_cost_is_settled_without_an_answer_too() {
    let failures = public(1).settle(|response| u32::from(!response.status.is_success()));
    let limiter = limiter_on(Broken, [failures]);
    for _ in 0..3 {
        assert_eq!(status(&limiter, request("/")).await, 200);
    }
}

// === types ===

#[test]
fn services_and_futures_are_send() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let layer = is_send(RateLimitLayer::new(limiter([public(1)])));
    let mut service = is_send(layer.layer(service_fn(serve)));
    drop(is_send(service.call(request("/"))));
}
