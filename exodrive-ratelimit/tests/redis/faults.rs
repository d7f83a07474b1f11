//! What holds while Redis is away, and afterwards.

use exodrive_ratelimit::store::Source;
use exodrive_ratelimit::testing::Unreliable;
use exodrive_ratelimit::{
    DAY, HOUR, Limit, OnStoreError, Outcome, Quota, RateLimiter, RedisStore, Store, Subject,
};
use exodrive_redis::RedisClient;

use crate::support::Server;

const LIMIT: u32 = 100;
const INSTANCES: u32 = 4;
const SHARE: u32 = LIMIT / INSTANCES;

/// One of several instances that share a limit of 100 a day.
fn instance<St: Store>(store: St) -> RateLimiter<St> {
    limited(
        store,
        Limit::sliding_window("daily", LIMIT, DAY).by_subject(),
    )
}

fn limited<St: Store>(store: St, limit: Limit) -> RateLimiter<St> {
    RateLimiter::builder(store)
        .limit(limit)
        .instances(INSTANCES)
        .build()
        .unwrap()
}

/// How many of so many requests are admitted.
async fn admitted<St: Store>(limiter: &RateLimiter<St>, requests: u32) -> u32 {
    let mut admitted = 0;
    for _ in 0..requests {
        admitted += u32::from(limiter.check(Subject::user("u"), 1).await.is_ok());
    }
    admitted
}

/// Who decides at the moment, asked at no cost.
async fn decider<St: Store>(limiter: &RateLimiter<St>) -> Source {
    let permit = limiter.check(Subject::user("nobody"), 0).await.unwrap();
    permit.decision().source()
}

#[tokio::test]
async fn a_service_starts_without_redis_and_admits_its_share() {
    let redis = RedisClient::builder("redis://127.0.0.1:1").build().unwrap();
    let limiter = instance(RedisStore::new(redis));
    assert_eq!(decider(&limiter).await, Source::FALLBACK);
    assert_eq!(admitted(&limiter, 2 * LIMIT).await, SHARE);
    let refusal = limiter.check(Subject::user("u"), 1).await.unwrap_err();
    assert_eq!(refusal.decision().outcome(), Outcome::Refused);
    assert_eq!(refusal.limit().unwrap().limit(), SHARE);
}

#[tokio::test]
async fn limits_that_deny_or_allow_do_so() {
    let redis = RedisClient::builder("redis://127.0.0.1:1").build().unwrap();
    let limit = |policy| {
        let limit = Limit::sliding_window("one", 1, DAY).by_subject();
        limited(RedisStore::new(redis.clone()), limit.on_store_error(policy))
    };
    let denied = limit(OnStoreError::Deny).check(Subject::user("u"), 1).await;
    let outcome = denied.unwrap_err().decision().outcome();
    assert_eq!(outcome, Outcome::Unavailable);
    assert_eq!(admitted(&limit(OnStoreError::Allow), 9).await, 9);
}

#[tokio::test]
async fn twenty_flaps_admit_no_more_than_the_limit_and_one_share_each() {
    let server = Server::start();
    let redis = server.connect().await;
    for limit in [
        Limit::sliding_window("window", LIMIT, DAY).by_subject(),
        Limit::gcra("rate", Quota::per_day(LIMIT)).by_subject(),
    ] {
        let stores: Vec<_> = (0..INSTANCES)
            .map(|_| Unreliable::new(RedisStore::new(redis.clone())))
            .collect();
        let instances: Vec<_> = stores
            .iter()
            .map(|store| limited(store.clone(), limit.clone()))
            .collect();
        let mut total = 0;
        for flap in 0..20 {
            for (store, limiter) in stores.iter().zip(&instances) {
                store.fail(flap % 2 == 0);
                // Few at first, so that several flaps pass before anything is used up.
                total += admitted(limiter, 3 + flap * 10).await;
            }
        }
        assert!(total >= LIMIT, "{total}");
        assert!(total <= LIMIT + INSTANCES * SHARE, "{total}");
    }
}

#[tokio::test]
async fn what_was_admitted_meanwhile_is_charged_on_recovery() {
    let server = Server::start();
    let redis = server.connect().await;
    let store = Unreliable::new(RedisStore::new(redis.clone()));
    let limiter = instance(store.clone());
    store.fail(true);
    assert_eq!(admitted(&limiter, 2 * LIMIT).await, SHARE);
    store.fail(false);
    assert_eq!(decider(&limiter).await, Source::REDIS);
    let other = instance(RedisStore::new(redis));
    assert_eq!(admitted(&other, 2 * LIMIT).await, LIMIT - SHARE);
}

#[tokio::test]
async fn what_was_given_back_meanwhile_is_not_charged_on_recovery() {
    let server = Server::start();
    let redis = server.connect().await;
    let store = Unreliable::new(RedisStore::new(redis.clone()));
    let limiter = limited(
        store.clone(),
        Limit::sliding_window("hourly", 8, HOUR).by_subject(),
    );
    let permit = limiter.check(Subject::user("u"), 2).await.unwrap();
    store.fail(true);
    assert!(
        limiter.check(Subject::user("u"), 1).await.is_err(),
        "what the store admitted counts towards the share"
    );
    // The store is not there to be told, but the share is.
    assert!(permit.settle(0).await.is_err());
    assert!(limiter.check(Subject::user("u"), 2).await.is_ok());
}
