//! What a refusal costs, and for how long one is repeated.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use exodrive_ratelimit::store::Source;
use exodrive_ratelimit::testing::Unreliable;
use exodrive_ratelimit::{
    Decision, Limit, MemoryStore, Outcome, Quota, RateLimitLayer, RateLimiter, Subject,
};
use http::{Request, Response};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::runtime;
use tokio::time::advance;
use tower::{Layer, ServiceExt, service_fn};

/// A store that is asked, as one elsewhere is; the one in memory answers by itself at once.
type Store = Unreliable<MemoryStore>;

/// As documented: whoever makes room waits no longer to see it.
const LONGEST: Duration = Duration::from_secs(5);

/// How much in how many seconds, counted as a window or as a rate.
type Shape = (bool, u32, u64);

fn shape() -> impl Strategy<Value = Shape> {
    (any::<bool>(), 1..20_u32, 60..100_000_u64)
}

fn limit(number: usize, (window, max, seconds): Shape) -> Limit {
    let (name, period) = (format!("limit-{number}"), Duration::from_secs(seconds));
    if window {
        Limit::sliding_window(name, max, period)
    } else {
        Limit::gcra(name, Quota::per(max, period))
    }
}

fn user(_: &http::request::Parts) -> Option<Subject> {
    Some(Subject::user("u"))
}

fn limiter(store: &Store, shapes: &[Shape], whose: fn(Limit) -> Limit) -> RateLimiter<Store> {
    let builder = RateLimiter::builder(store.clone()).identify(user);
    let limits = shapes.iter().enumerate();
    limits
        .fold(builder, |builder, (number, shape)| {
            builder.limit(whose(limit(number, *shape)))
        })
        .build()
        .unwrap()
}

async fn send(limiter: &RateLimiter<Store>) -> Decision {
    let serve = |_: Request<()>| ready(Ok::<_, Infallible>(Response::new(())));
    let service = RateLimitLayer::new(limiter.clone()).layer(service_fn(serve));
    let response = service.oneshot(Request::new(())).await.unwrap();
    response.extensions().get::<Decision>().unwrap().clone()
}

async fn remaining(limiter: &RateLimiter<Store>) -> Vec<u32> {
    let decision = limiter.control().peek(Subject::user("u")).await.unwrap();
    let limits = decision.limits().iter();
    limits.map(|limit| limit.remaining()).collect()
}

fn in_paused_time(test: impl Future<Output = ()>) {
    let mut runtime = runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(test);
}

proptest! {
    #[test]
    fn a_refusal_charges_nothing(
        shapes in vec(shape(), 1..5),
        requests in vec((1..12_u32, 0..100_u64), 1..60),
    ) {
        in_paused_time(async {
            let store = Store::new(MemoryStore::default());
            for (cost, pause) in requests {
                advance(Duration::from_millis(pause)).await;
                // Each asks the store, as one that has been refused does not.
                let limiter = limiter(&store, &shapes, Limit::by_subject);
                let before = remaining(&limiter).await;
                let admitted = limiter.check(Subject::user("u"), cost).await.is_ok();
                let fits = before.iter().all(|remaining| *remaining >= cost);
                assert_eq!(admitted, fits, "{cost} of {before:?}");
                let taken = if admitted { cost } else { 0 };
                let expected: Vec<_> = before.iter().map(|remaining| remaining - taken).collect();
                assert_eq!(remaining(&limiter).await, expected);
            }
        });
    }

    #[test]
    fn a_refusal_is_repeated_no_longer_than_documented_once_an_operator_has_made_room(
        shapes in vec(shape(), 1..5),
        pause in 0..10_000_u64,
    ) {
        in_paused_time(async {
            let store = Store::new(MemoryStore::default());
            let instance = || limiter(&store, &shapes, Limit::by_user);
            let (here, elsewhere) = (instance(), instance());
            while send(&here).await.outcome() == Outcome::Allowed {}
            assert_eq!(send(&here).await.source(), Source::DENY_CACHE);
            advance(Duration::from_millis(pause)).await;
            // Refused once more at the latest possible time.
            send(&here).await;
            elsewhere.control().reset(Subject::user("u")).await.unwrap();
            assert_eq!(send(&elsewhere).await.outcome(), Outcome::Allowed);
            elsewhere.control().reset(Subject::user("u")).await.unwrap();
            advance(LONGEST).await;
            assert_eq!(send(&here).await.outcome(), Outcome::Allowed);
        });
    }
}
