//! Hot limits that instances hold tokens of.

use std::sync::Arc;

use exodrive_ratelimit::store::Source;
use exodrive_ratelimit::{DAY, Limit, Quota, RateLimiter, RedisStore, Subject};
use exodrive_redis::RedisClient;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{PATIENCE, Server, calls, connected};

const LIMIT: u32 = 4_000;

fn everybody() -> Subject {
    Subject::custom("service", "cars")
}

fn instance(redis: &RedisClient, limit: &Limit) -> RateLimiter<RedisStore> {
    RateLimiter::builder(RedisStore::new(redis.clone()))
        .limit(limit.clone())
        .instances(4)
        .build()
        .unwrap()
}

fn limits() -> [Limit; 2] {
    [
        Limit::sliding_window("window", LIMIT, DAY)
            .by_subject()
            .lease(100),
        Limit::gcra("rate", Quota::per_day(LIMIT))
            .by_subject()
            .lease(100),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_any_number_at_once_on_four_instances_exactly_as_many_as_the_limit_are_admitted() {
    let server = Server::start();
    let redis = connected(server.builder()).await;
    for limit in limits() {
        let instances = [0; 4].map(|_| instance(&redis, &limit));
        let before = calls(&redis, "evalsha").await;
        let barrier = Arc::new(Barrier::new(200));
        let mut callers = JoinSet::new();
        for n in 0..200 {
            let (limiter, barrier) = (instances[n % 4].clone(), Arc::clone(&barrier));
            callers.spawn(async move {
                barrier.wait().await;
                let mut admitted = 0;
                for _ in 0..30 {
                    admitted += u32::from(limiter.check(everybody(), 1).await.is_ok());
                }
                admitted
            });
        }
        let mut admitted: u32 = callers.join_all().await.into_iter().sum();
        assert!(admitted <= LIMIT, "{admitted}");
        // What an instance held back comes back within a second, and is there for the others.
        let rest = async {
            while admitted < LIMIT {
                for limiter in &instances {
                    admitted += u32::from(limiter.check(everybody(), 1).await.is_ok());
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, rest).await.unwrap();
        for limiter in &instances {
            assert!(limiter.check(everybody(), 1).await.is_err());
        }
        assert_eq!(admitted, LIMIT);
        let asked = calls(&redis, "evalsha").await - before;
        assert!(
            asked < u64::from(LIMIT) / 2,
            "{asked} calls to admit {LIMIT}"
        );
    }
}

#[tokio::test]
async fn while_there_is_plenty_a_call_serves_a_hundred_requests() {
    let server = Server::start();
    let redis = server.connect().await;
    for limit in limits() {
        let limiter = instance(&redis, &limit);
        let before = calls(&redis, "evalsha").await;
        let mut sources = Vec::new();
        for _ in 0..1_000 {
            let permit = limiter.check(everybody(), 1).await.unwrap();
            sources.push(permit.decision().source());
        }
        let asked = calls(&redis, "evalsha").await - before;
        assert!((10..30).contains(&asked), "{asked}");
        let local = sources.iter().filter(|source| **source == Source::LEASE);
        assert!(local.count() > 960);
    }
}

#[tokio::test]
async fn a_limit_beside_one_that_is_not_leased_is_asked_for_as_ever() {
    let server = Server::start();
    let redis = server.connect().await;
    let [leased, _] = limits();
    let limiter = RateLimiter::builder(RedisStore::new(redis.clone()))
        .limit(leased)
        .limit(Limit::sliding_window("own", 9, DAY).by_subject())
        .build()
        .unwrap();
    let before = calls(&redis, "evalsha").await;
    for n in 0..20 {
        assert_eq!(limiter.check(everybody(), 1).await.is_ok(), n < 9);
    }
    assert_eq!(calls(&redis, "evalsha").await - before, 10);
}
