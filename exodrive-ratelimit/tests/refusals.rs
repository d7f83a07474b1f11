//! What a refusal costs, and for how long one is repeated.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use exodrive_ratelimit::store::Source;
use exodrive_ratelimit::testing::Unreliable;
use exodrive_ratelimit::{
    Decision, Limit, MemoryStore, Outcome, Override, Quota, RateLimitLayer, RateLimiter, Subject,
};
use http::{Request, Response};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::runtime;
use tokio::time::{Instant, advance};
use tower::{Layer, ServiceExt, service_fn};

/// A store that is asked, as one elsewhere is; the one in memory answers by itself at once.
type Store = Unreliable<MemoryStore>;

/// As documented: whoever makes room waits no longer to see it.
const LONGEST: Duration = Duration::from_secs(5);

/// The same of a check outside of HTTP, whose charge may be corrected at any time.
const LONGEST_IF_CORRECTED: Duration = Duration::from_millis(100);

/// How much in how long, counted as a window or as a rate.
type Shape = (bool, u32, Duration);

/// Such as it takes long to be admitted again.
fn slow() -> impl Strategy<Value = Shape> {
    let seconds = (60..100_000_u64).prop_map(Duration::from_secs);
    (any::<bool>(), 1..20_u32, seconds)
}

/// Such as it often takes no longer than a refusal is repeated.
fn quick() -> impl Strategy<Value = Shape> {
    let millis = (10..3_000_u64).prop_map(Duration::from_millis);
    (any::<bool>(), 1..20_u32, millis)
}

fn limit(number: usize, (window, max, period): Shape) -> Limit {
    let name = format!("limit-{number}");
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

/// What happens to a subject, next to nothing after what happened before.
#[derive(Clone, Copy, Debug)]
enum Step {
    Check { cost: u32 },
    Settle { cost: u32 },
    Reset,
    Resize { times: f64 },
    Wait(Duration),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        16 => (0..12_u32).prop_map(|cost| Step::Check { cost }),
        2 => (0..12_u32).prop_map(|cost| Step::Settle { cost }),
        1 => Just(Step::Reset),
        1 => prop_oneof![Just(0.5), Just(2.0)].prop_map(|times| Step::Resize { times }),
        8 => (0..50_000_u64).prop_map(|micros| Step::Wait(Duration::from_micros(micros))),
        1 => (0..3_000_000_u64).prop_map(|micros| Step::Wait(Duration::from_micros(micros))),
        1 => Just(Step::Wait(LONGEST_IF_CORRECTED)),
    ]
}

fn in_paused_time(test: impl Future<Output = ()>) {
    let mut runtime = runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(test);
}

#[test]
fn a_permit_that_is_given_back_makes_room_at_once_for_requests_to_its_instance() {
    in_paused_time(async {
        let store = Store::new(MemoryStore::default());
        let limiter = limiter(
            &store,
            &[(true, 1, Duration::from_secs(60))],
            Limit::by_user,
        );
        let permit = limiter.check(Subject::user("u"), 1).await.unwrap();
        for source in [Source::MEMORY, Source::DENY_CACHE] {
            let decision = send(&limiter).await;
            assert_eq!(decision.outcome(), Outcome::Refused);
            assert_eq!(decision.source(), source);
        }
        permit.settle(0).await.unwrap();
        assert_eq!(send(&limiter).await.outcome(), Outcome::Allowed);
    });
}

proptest! {
    #[test]
    fn a_refusal_charges_nothing(
        shapes in vec(slow(), 1..5),
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
        shapes in vec(slow(), 1..5),
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

    #[test]
    fn outside_of_http_nothing_is_refused_that_the_store_would_admit_but_for_a_moment_after_a_correction(
        shapes in vec(quick(), 1..4),
        steps in vec(step(), 1..120),
    ) {
        in_paused_time(async {
            let store = Store::new(MemoryStore::default());
            let instance = || limiter(&store, &shapes, Limit::by_subject);
            let (here, elsewhere) = (instance(), instance());
            let user = || Subject::user("u");
            let (mut permits, mut corrected) = (Vec::new(), None);
            for step in steps {
                match step {
                    Step::Check { cost } => {
                        let fits = remaining(&elsewhere).await.into_iter().all(|left| left >= cost);
                        match here.check(user(), cost).await {
                            Ok(permit) => {
                                assert!(fits, "{cost}");
                                permits.push(permit);
                            }
                            Err(refusal) if fits => {
                                assert_eq!(refusal.decision().source(), Source::DENY_CACHE);
                                let corrected: Instant = corrected.expect("who has made room?");
                                assert!(corrected.elapsed() < LONGEST_IF_CORRECTED);
                            }
                            Err(_) => {}
                        }
                        continue;
                    }
                    Step::Wait(time) => {
                        advance(time).await;
                        continue;
                    }
                    Step::Settle { cost } => match permits.pop() {
                        Some(permit) => permit.settle(cost).await.unwrap(),
                        None => continue,
                    },
                    Step::Reset => elsewhere.control().reset(user()).await.unwrap(),
                    Step::Resize { times } => {
                        let control = elsewhere.control();
                        let resized = control.resize(user(), None, Override::times(times), None, "");
                        resized.await.unwrap();
                    }
                }
                corrected = Some(Instant::now());
            }
        });
    }
}
