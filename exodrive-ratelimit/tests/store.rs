//! The contract of stores, for the stores of this crate.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use exodrive_ratelimit::testing::{TestClock, agrees_with_the_model, keeps_the_contract};
use exodrive_ratelimit::{DAY, HOUR, Limit, MINUTE, MemoryStore, Quota, RateLimiter, Subject};
use tokio::runtime;
use tokio::time::{Instant, advance};

struct Paused(Instant);

impl TestClock for Paused {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    async fn advance(&self, by: Duration) {
        advance(by).await;
    }
}

#[tokio::test(start_paused = true)]
async fn memory_keeps_the_contract() {
    let (store, clock) = (MemoryStore::default(), Paused(Instant::now()));
    keeps_the_contract(&store, &clock).await;
}

#[tokio::test(start_paused = true)]
async fn memory_agrees_with_the_model_to_the_microsecond() {
    let (store, clock) = (MemoryStore::default(), Paused(Instant::now()));
    for seed in 0..12 {
        agrees_with_the_model(&store, &clock, seed, 5_000).await;
    }
}

fn limiter(
    store: MemoryStore,
    limits: impl IntoIterator<Item = Limit>,
) -> RateLimiter<MemoryStore> {
    limits
        .into_iter()
        .fold(RateLimiter::builder(store), |builder, limit| {
            builder.limit(limit)
        })
        .build()
        .unwrap()
}

#[test]
fn of_500_callers_at_once_exactly_as_many_as_the_limits_allow_are_admitted() {
    for limits in [
        vec![Limit::sliding_window("one", 100, DAY).by_subject()],
        vec![
            Limit::sliding_window("wide", 300, DAY).by_subject(),
            Limit::gcra("narrow", Quota::per_day(100)).by_subject(),
            Limit::sliding_window("watched", 10, DAY)
                .by_subject()
                .shadow(),
        ],
    ] {
        let limiter = limiter(MemoryStore::default(), limits);
        let barrier = Arc::new(Barrier::new(500));
        let callers: Vec<_> = (0..500)
            .map(|_| {
                let (limiter, barrier) = (limiter.clone(), Arc::clone(&barrier));
                thread::spawn(move || {
                    let runtime = runtime::Builder::new_current_thread().build().unwrap();
                    barrier.wait();
                    let checked = runtime.block_on(limiter.check(Subject::user("u"), 1));
                    checked.is_ok()
                })
            })
            .collect();
        let admitted = callers.into_iter().map(|caller| caller.join().unwrap());
        assert_eq!(admitted.filter(|admitted| *admitted).count(), 100);
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_cap_strangers_share_buckets_and_the_known_keep_their_count() {
    let limiter = limiter(
        MemoryStore::with_max_keys(500),
        [Limit::sliding_window("hourly", 2, HOUR).by_subject()],
    );
    let known = || Subject::user("known");
    assert!(limiter.check(known(), 1).await.is_ok());

    let mut admitted = 0;
    for n in 0..5_000 {
        let stranger = Subject::user(n.to_string());
        admitted += u32::from(limiter.check(stranger, 1).await.is_ok());
    }
    // 499 strangers find room of their own; the others share 64 buckets of two.
    assert_eq!(admitted, 499 + 64 * 2);
    assert!(
        limiter.check(Subject::user("one more"), 1).await.is_err(),
        "never open"
    );
    assert!(limiter.check(known(), 1).await.is_ok(), "never evicted");
    assert!(limiter.check(known(), 1).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn five_million_strangers_fill_no_more_than_the_cap_and_the_active_keep_their_counts() {
    let store = Arc::new(MemoryStore::with_max_keys(100_000));
    let limiter = RateLimiter::builder(Arc::clone(&store))
        .limit(Limit::gcra("hourly", Quota::per_hour(1_000)).by_ip())
        .build()
        .unwrap();
    let address = |n: u32| Subject::ip(n.to_be_bytes().into());
    let active = || (0..100).map(|n| address(u32::MAX - n));
    for subject in active() {
        assert!(limiter.check(subject, 1).await.is_ok());
    }
    for n in 0..5_000_000 {
        drop(limiter.check(address(n), 1).await);
        if n % 500_000 == 0 {
            for subject in active() {
                assert!(limiter.check(subject, 1).await.is_ok());
            }
        }
    }
    // The overflow buckets come on top, 64 for each of at most 64 shards.
    assert!(
        store.key_count() <= 100_000 + 64 * 64,
        "{}",
        store.key_count()
    );
    for subject in active() {
        let permit = limiter.check(subject, 0).await.unwrap();
        assert_eq!(permit.decision().limits()[0].remaining(), 1_000 - 11);
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_longer_counts_makes_room() {
    let store = Arc::new(MemoryStore::with_max_keys(1_000));
    let limiter = RateLimiter::builder(Arc::clone(&store))
        .limit(Limit::gcra("rate", Quota::per_minute(1)).by_subject())
        .limit(Limit::sliding_window("window", 1, MINUTE).by_subject())
        .build()
        .unwrap();
    for round in 0..10 {
        for n in 0..400 {
            let subject = Subject::user(format!("{round}-{n}"));
            assert!(limiter.check(subject, 1).await.is_ok(), "{round}-{n}");
        }
        assert!(store.key_count() <= 1_000);
        advance(2 * MINUTE).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refund_finds_its_charge_in_an_overflow_bucket() {
    let limiter = limiter(
        MemoryStore::with_max_keys(1),
        [Limit::sliding_window("hourly", 2, HOUR).by_subject()],
    );
    assert!(limiter.check(Subject::user("known"), 1).await.is_ok());
    let stranger = || Subject::user("stranger");
    let permit = limiter.check(stranger(), 2).await.unwrap();
    assert!(limiter.check(stranger(), 1).await.is_err());
    permit.settle(1).await.unwrap();
    assert!(limiter.check(stranger(), 1).await.is_ok());
    assert!(limiter.check(stranger(), 1).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_cell_is_found_again_though_the_same_check_makes_others() {
    let store = Arc::new(MemoryStore::with_max_keys(1_000));
    let known = || Limit::sliding_window("known", 9, HOUR).by_subject();
    let new = Limit::sliding_window("new", 9, HOUR).by_subject();
    let builder = || RateLimiter::builder(Arc::clone(&store));
    let one = builder().limit(known()).build().unwrap();
    let both = builder().limit(new).limit(known()).build().unwrap();
    // One shard holds all of these keys and grows several times on the way.
    let subject = |n: u32| Subject::user(n.to_string());
    for n in 0..400 {
        assert!(one.check(subject(n), 1).await.is_ok());
        assert!(both.check(subject(n), 1).await.is_ok());
    }
    for n in 0..400 {
        let permit = both.check(subject(n), 1).await.unwrap();
        let decision = permit.decision();
        let left = decision.limits().iter().map(|limit| limit.remaining());
        assert_eq!(left.collect::<Vec<_>>(), [7, 6], "{n}");
    }
}
