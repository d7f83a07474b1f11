//! The contract of stores, and equality with the store in memory.

use std::time::Duration;

use exodrive_ratelimit::testing::{
    ManualClock, agrees_with_the_model, decide_alike, keeps_the_contract,
};
use exodrive_ratelimit::{Limit, MINUTE, MemoryStore, RateLimiter, RedisStore, Subject};

use crate::support::{Server, connected};

/// When the tests begin: late enough for the clock to step back, and as large as real times are.
const START: Duration = Duration::from_secs(1_769_860_748);

fn clock() -> ManualClock {
    let clock = ManualClock::default();
    clock.set(START);
    clock
}

#[tokio::test]
async fn redis_keeps_the_contract() {
    let (server, clock) = (Server::start(), clock());
    let store = RedisStore::new(server.connect().await).clocked_by(clock.clone());
    keeps_the_contract(&store, &clock).await;
}

#[tokio::test]
async fn redis_agrees_with_the_model_to_the_microsecond() {
    let (server, clock) = (Server::start(), clock());
    let store = RedisStore::new(server.connect().await).clocked_by(clock.clone());
    for seed in 0..4 {
        agrees_with_the_model(&store, &clock, seed, 2_000).await;
    }
}

#[tokio::test]
async fn redis_and_memory_decide_alike_whatever_happens_to_clocks_and_sizes() {
    let (server, clock) = (Server::start(), clock());
    let memory = MemoryStore::default().clocked_by(clock.clone());
    let redis = RedisStore::new(server.connect().await).clocked_by(clock.clone());
    for seed in 0..10 {
        decide_alike(&memory, &redis, &clock, seed, 20_000).await;
    }
}

#[tokio::test]
async fn works_under_the_permissions_it_states() {
    let (server, clock) = (Server::start(), clock());
    let admin = server.connect().await;
    crate::support::order::<()>(
        &admin,
        "ACL SETUSER limiter on >secret ~rl:* -@all \
         +auth +evalsha +hello +ping +role +script|load +select +get +set +del +time \
         +hdel +hexists +hgetall +hlen +hset +xadd +xrange +xrevrange +zadd +zrangebyscore +zrem",
    )
    .await;
    let redis = connected(server.builder_as("limiter:secret@").connections(1)).await;
    let store = RedisStore::new(redis).clocked_by(clock.clone());
    keeps_the_contract(&store, &clock).await;
    let limiter = RateLimiter::builder(store)
        .limit(Limit::sliding_window("any", 9, MINUTE).by_subject())
        .build()
        .unwrap();
    let control = limiter.control();
    control.ban(Subject::user("ada"), MINUTE, "").await.unwrap();
    control.unban(Subject::user("ada")).await.unwrap();
    control.reset(Subject::user("ada")).await.unwrap();
    assert!(control.entries().await.unwrap().is_empty());
    assert_eq!(control.recent_events(9).await.unwrap().len(), 3);
}
