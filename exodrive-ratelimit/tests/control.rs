//! What operators and penalties order, seen from outside.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::convert::Infallible;
use std::future::ready;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use exodrive_ratelimit::store::Source;
use exodrive_ratelimit::{
    Builder, Decision, EntryKind, EventKind, HOUR, Limit, MINUTE, MemoryStore, Mode, Outcome,
    Override, Peer, Penalty, Quota, RateLimitLayer, RateLimited, RateLimiter, Subject, Whom,
};
use http::{Request, Response};
use tokio::time::advance;
use tower::{Layer, ServiceExt, service_fn};

type Store = Arc<MemoryStore>;
type Limiter = RateLimiter<Store>;

const SECOND: Duration = Duration::from_secs(1);

fn builder(max: u32) -> Builder<Store> {
    RateLimiter::builder(Store::default()).limit(public(max))
}

fn public(max: u32) -> Limit {
    Limit::sliding_window("public", max, MINUTE).by_ip()
}

fn limiter(max: u32) -> Limiter {
    builder(max).build().unwrap()
}

fn whom(network: &str) -> Whom {
    network.parse().unwrap()
}

async fn send(limiter: &Limiter, address: &str) -> Response<()> {
    let serve = |_: Request<()>| ready(Ok::<_, Infallible>(Response::new(())));
    let service = RateLimitLayer::new(limiter.clone()).layer(service_fn(serve));
    let address: IpAddr = address.parse().unwrap();
    let peer = Peer((address, 4711).into());
    let request = Request::builder().extension(peer).body(()).unwrap();
    service.oneshot(request).await.unwrap()
}

async fn status(limiter: &Limiter, address: &str) -> u16 {
    send(limiter, address).await.status().as_u16()
}

fn header<'a>(response: &'a Response<()>, name: &str) -> Option<&'a str> {
    Some(response.headers().get(name)?.to_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_banned_client_is_told_until_when_and_nothing_else() {
    let limiter = limiter(60);
    let control = limiter.control();
    control
        .ban(whom("192.0.2.0/24"), 15 * MINUTE, "scraping")
        .await
        .unwrap();
    advance(100 * SECOND).await;
    let response = send(&limiter, "192.0.2.9").await;
    assert_eq!(response.status(), 429);
    assert_eq!(header(&response, "retry-after"), Some("800"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(header(&response, "ratelimit"), None);
    let refused: &RateLimited = response.extensions().get().unwrap();
    assert_eq!(refused.decision().outcome(), Outcome::Banned);
    assert_eq!(refused.decision().source(), Source::LIST);
    assert_eq!(refused.decision().reason(), Some("scraping"));
    assert!(!refused.to_string().contains("scraping"), "{refused}");
    assert_eq!(status(&limiter, "198.51.100.9").await, 200);

    advance(800 * SECOND).await;
    assert_eq!(status(&limiter, "192.0.2.9").await, 200);
    assert!(control.entries().await.unwrap().is_empty());
}

#[tokio::test]
async fn lists_go_before_limits_and_the_allow_list_before_the_deny_list() {
    let limiter = builder(1)
        .allow([whom("192.0.2.1/32")])
        .deny([whom("192.0.2.0/24")])
        .build()
        .unwrap();
    for _ in 0..3 {
        let allowed = send(&limiter, "192.0.2.1").await;
        assert_eq!(allowed.status(), 200);
        assert_eq!(header(&allowed, "ratelimit"), None);
        let decision: &Decision = allowed.extensions().get().unwrap();
        assert_eq!(decision.source(), Source::LIST);
    }
    let denied = send(&limiter, "192.0.2.2").await;
    assert_eq!(
        (denied.status().as_u16(), header(&denied, "retry-after")),
        (403, None)
    );

    let control = limiter.control();
    control
        .allow(Subject::ip([192, 0, 2, 2].into()), HOUR, "tests")
        .await
        .unwrap();
    assert_eq!(status(&limiter, "192.0.2.2").await, 200);
    control.lift_allow(whom("192.0.2.2/32")).await.unwrap();
    assert_eq!(status(&limiter, "192.0.2.2").await, 403);
    control
        .deny(whom("2001:db8::/32"), None, "tests")
        .await
        .unwrap();
    assert_eq!(status(&limiter, "2001:db8::7").await, 403);
    control.lift_deny(whom("2001:db8::/32")).await.unwrap();
    assert_eq!(status(&limiter, "2001:db8::7").await, 200);
}

#[tokio::test]
async fn a_ban_holds_for_requests_that_no_limit_applies_to() {
    let limiter = RateLimiter::builder(Store::default())
        .limit(public(60).on(|request| request.uri.path() == "/elsewhere"))
        .build()
        .unwrap();
    limiter
        .control()
        .ban(whom("192.0.2.0/24"), MINUTE, "")
        .await
        .unwrap();
    assert_eq!(status(&limiter, "192.0.2.1").await, 429);
    let untouched = send(&limiter, "192.0.3.1").await;
    assert!(untouched.extensions().get::<Decision>().is_none());
}

#[tokio::test]
async fn a_user_and_an_api_key_can_be_banned() {
    for subject in [
        Subject::user("ada"),
        Subject::api_key("k"),
        Subject::custom("tenant", "7"),
    ] {
        let limiter = RateLimiter::builder(Store::default())
            .limit(Limit::sliding_window("any", 9, MINUTE).by_subject())
            .build()
            .unwrap();
        limiter
            .control()
            .ban(subject.clone(), MINUTE, "")
            .await
            .unwrap();
        let refused = limiter.check(subject, 1).await.unwrap_err();
        assert_eq!(refused.decision().outcome(), Outcome::Banned);
        assert!(limiter.check(Subject::user("bob"), 1).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_has_another_size_for_whom_it_is_ordered_and_keeps_its_count() {
    let limiter = limiter(2);
    let control = limiter.control();
    for expected in [200, 200, 429] {
        assert_eq!(status(&limiter, "192.0.2.1").await, expected);
    }
    let ada = || Subject::ip([192, 0, 2, 1].into());
    let five = Override::quota(Quota::per_minute(5));
    control
        .resize(ada(), Some("public"), five, HOUR, "support")
        .await
        .unwrap();
    let response = send(&limiter, "192.0.2.1").await;
    assert_eq!(
        header(&response, "ratelimit-policy"),
        Some(r#""public";q=5;w=60"#)
    );
    assert_eq!(
        header(&response, "x-ratelimit-remaining"),
        Some("2"),
        "three are used"
    );
    assert_eq!(
        send(&limiter, "192.0.2.2").await.headers()["x-ratelimit-limit"],
        "2"
    );

    control
        .resize(ada(), None, Override::times(0.5), HOUR, "")
        .await
        .unwrap();
    let response = send(&limiter, "192.0.2.1").await;
    assert_eq!(
        response.headers()["x-ratelimit-limit"],
        "5",
        "the order about one limit stands"
    );
    control.lift_resize(ada(), Some("public")).await.unwrap();
    assert_eq!(status(&limiter, "192.0.2.1").await, 429);
    control
        .resize(ada(), None, Override::unlimited(), HOUR, "")
        .await
        .unwrap();
    for _ in 0..9 {
        assert_eq!(status(&limiter, "192.0.2.1").await, 200);
    }
    advance(HOUR).await;
    assert_eq!(
        send(&limiter, "192.0.2.1").await.headers()["x-ratelimit-limit"],
        "2"
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_can_be_watched_only_or_switched_off_while_it_runs() {
    let limiter = limiter(1);
    let control = limiter.control();
    let mode = async || control.modes().await.unwrap();
    status(&limiter, "192.0.2.1").await;
    assert_eq!(mode().await, [("public".to_owned(), Mode::Enforce)]);
    control
        .set_mode("public", Mode::Shadow, MINUTE, "too strict")
        .await
        .unwrap();
    assert_eq!(mode().await, [("public".to_owned(), Mode::Shadow)]);
    let watched = send(&limiter, "192.0.2.1").await;
    assert_eq!(
        (watched.status().as_u16(), header(&watched, "ratelimit")),
        (200, None)
    );
    assert!(watched.extensions().get::<Decision>().unwrap().limits()[0].refuses());

    control
        .set_mode("public", Mode::Off, MINUTE, "")
        .await
        .unwrap();
    let off = send(&limiter, "192.0.2.1").await;
    assert!(off.extensions().get::<Decision>().is_none());
    control.lift_mode("public").await.unwrap();
    assert_eq!(status(&limiter, "192.0.2.1").await, 429);

    control
        .set_mode("public", Mode::Off, MINUTE, "")
        .await
        .unwrap();
    assert_eq!(status(&limiter, "192.0.2.1").await, 200);
    assert_eq!(mode().await, [("public".to_owned(), Mode::Off)]);
    advance(MINUTE).await;
    let back = send(&limiter, "192.0.2.1").await;
    assert!(header(&back, "ratelimit").is_some());
    assert_eq!(mode().await, [("public".to_owned(), Mode::Enforce)]);
}

#[tokio::test(start_paused = true)]
async fn the_kill_switch_goes_before_everything() {
    let limiter = builder(1).deny([whom("192.0.2.2/32")]).build().unwrap();
    let control = limiter.control();
    control.suspend(MINUTE, "incident").await.unwrap();
    for _ in 0..3 {
        assert_eq!(status(&limiter, "192.0.2.1").await, 200);
        let response = send(&limiter, "192.0.2.2").await;
        assert_eq!(response.status(), 200);
        assert!(response.headers().is_empty());
    }
    control.resume().await.unwrap();
    assert_eq!(status(&limiter, "192.0.2.2").await, 403);
    control.suspend(MINUTE, "incident").await.unwrap();
    advance(MINUTE).await;
    assert_eq!(
        status(&limiter, "192.0.2.2").await,
        403,
        "it ends by itself"
    );
}

#[tokio::test]
async fn an_order_through_one_limiter_holds_for_all_that_share_the_store() {
    let store = Store::default();
    let limiter = || {
        let builder = RateLimiter::builder(Arc::clone(&store)).limit(public(9));
        builder.build().unwrap()
    };
    let (one, other) = (limiter(), limiter());
    one.control()
        .by("ada")
        .ban(whom("192.0.2.0/24"), MINUTE, "scraping")
        .await
        .unwrap();
    assert_eq!(status(&other, "192.0.2.1").await, 429);
    let entries = other.control().entries().await.unwrap();
    assert_eq!(entries[0].kind(), EntryKind::Ban);
    assert_eq!(
        (entries[0].actor(), entries[0].reason()),
        ("ada", "scraping")
    );
    other.control().unban(whom("192.0.2.0/24")).await.unwrap();
    assert_eq!(status(&one, "192.0.2.1").await, 200);
}

#[tokio::test]
async fn looking_charges_nothing_and_a_reset_gives_everything_back() {
    let limiter = builder(3)
        .limit(Limit::gcra("users", Quota::per_hour(9)).by_subject())
        .build();
    let limiter = limiter.unwrap();
    let control = limiter.control();
    let ada = || Subject::ip([192, 0, 2, 1].into());
    for _ in 0..2 {
        limiter.check(ada(), 1).await.unwrap();
    }
    for _ in 0..3 {
        let decision = control.peek(ada()).await.unwrap();
        let left: Vec<u32> = decision
            .limits()
            .iter()
            .map(|limit| limit.remaining())
            .collect();
        assert_eq!(left, [1, 7]);
    }
    control.reset(ada()).await.unwrap();
    let decision = control.peek(ada()).await.unwrap();
    assert_eq!(decision.limits()[0].remaining(), 3);
    assert_eq!(decision.limits()[1].remaining(), 9);
}

fn strict() -> Penalty {
    Penalty::after(3)
        .strikes_within(MINUTE)
        .ban(10 * MINUTE)
        .escalate(3.0)
        .at_most(HOUR)
}

/// How many refusals by the limit there are before the ban, and how long that lasts.
async fn until_banned(limiter: &Limiter, address: &str) -> (u32, Duration) {
    for refusals in 0..100 {
        let response = send(limiter, address).await;
        let Some(refused) = response.extensions().get::<RateLimited>() else {
            continue;
        };
        if refused.decision().outcome() == Outcome::Banned {
            return (refusals, refused.retry_after().unwrap());
        }
    }
    panic!("never banned");
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_too_often_is_banned_and_longer_each_time() {
    let limiter = builder(1).penalty(strict()).build().unwrap();
    assert_eq!(status(&limiter, "192.0.2.1").await, 200);
    assert_eq!(until_banned(&limiter, "192.0.2.1").await, (3, 10 * MINUTE));
    assert_eq!(status(&limiter, "192.0.2.2").await, 200);
    // Going on while banned makes nothing worse.
    for _ in 0..20 {
        assert_eq!(status(&limiter, "192.0.2.1").await, 429);
    }
    for lasting in [30 * MINUTE, HOUR, HOUR] {
        advance(HOUR).await;
        assert_eq!(status(&limiter, "192.0.2.1").await, 200);
        assert_eq!(until_banned(&limiter, "192.0.2.1").await.1, lasting);
    }
    advance(8 * 24 * HOUR).await;
    assert_eq!(status(&limiter, "192.0.2.1").await, 200);
    assert_eq!(
        until_banned(&limiter, "192.0.2.1").await.1,
        10 * MINUTE,
        "it is forgotten"
    );
}

#[tokio::test(start_paused = true)]
async fn strikes_far_apart_are_no_offence() {
    let limiter = builder(1).penalty(strict()).build().unwrap();
    for _ in 0..6 {
        // One is admitted, two are refused.
        for _ in 0..2 {
            send(&limiter, "192.0.2.1").await;
        }
        let refused = send(&limiter, "192.0.2.1").await;
        let refused = refused.extensions().get::<RateLimited>().unwrap();
        assert_eq!(refused.decision().outcome(), Outcome::Refused);
        advance(2 * MINUTE).await;
    }
}

#[tokio::test]
async fn a_subject_that_many_share_is_not_banned_for_them() {
    let limiter = RateLimiter::builder(Store::default())
        .limit(public(60))
        .limit(Limit::sliding_window("global", 1, MINUTE).by(|_| Some(Subject::custom("all", ""))))
        .penalty(strict())
        .build()
        .unwrap();
    for _ in 0..20 {
        send(&limiter, "192.0.2.1").await;
    }
    assert!(limiter.control().entries().await.unwrap().is_empty());
}

#[tokio::test]
async fn refusals_and_orders_are_events_and_the_worst_offenders_known() {
    let limiter = limiter(1);
    for _ in 0..9 {
        send(&limiter, "192.0.2.1").await;
    }
    for _ in 0..3 {
        send(&limiter, "192.0.2.2").await;
    }
    let control = limiter.control().by("ada");
    let top = control.top_refused();
    assert_eq!(top[0], (Subject::ip([192, 0, 2, 1].into()), 8));
    assert_eq!(top[1].1, 2);

    control
        .ban(whom("192.0.2.1/32"), MINUTE, "enough")
        .await
        .unwrap();
    control.unban(whom("192.0.2.1/32")).await.unwrap();
    let events = control.recent_events(100).await.unwrap();
    assert_eq!(events[0].kind(), EventKind::Lifted);
    assert_eq!((events[1].by(), events[1].detail()), ("ada", "enough"));
    let refusals = events
        .iter()
        .filter(|event| event.about() == "ip/192.0.2.1");
    let times: Vec<&str> = refusals.map(|event| event.detail()).collect();
    assert_eq!(times, ["8", "4", "2", "1"]);
}
