//! An instance that lives through a fault and its cure, with others at work meanwhile.

use std::time::Duration;

use exodrive_faults::{Admin, Proxy};
use exodrive_ratelimit::store::Source;
use exodrive_ratelimit::{DAY, Limit, Outcome, RateLimiter, RedisStore, Subject};
use exodrive_redis::{Health, RedisClient, RedisClientBuilder, Status};
use tokio::time::timeout;

use crate::load::Load;
use crate::support::{PATIENCE, Server, connected};

pub(crate) const LIMIT: u32 = 400;
const SHARE: u32 = LIMIT / 4;

/// What the server counts by.
pub(crate) const KEY: &str = "rl:{user/u}:w:daily";

/// What the server has counted before the fault.
pub(crate) const BEFORE: u32 = 10;

/// A healthy server meets it on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);

/// From the cure until the server decides again: 2.5 s, twice as much where machines do other things too. One that is late
/// for everything is late for each of a few steps: to connect, to be asked, to answer.
const RECOVERY: Duration = Duration::from_secs(5);

/// One of four instances with a limit for each day.
pub(crate) fn limiter(store: RedisStore, limit: u32) -> RateLimiter<RedisStore> {
    RateLimiter::builder(store)
        .limit(Limit::sliding_window("daily", limit, DAY).by_subject())
        .instances(4)
        .build()
        .unwrap()
}

pub(crate) fn instance(redis: &RedisClient) -> RateLimiter<RedisStore> {
    limiter(RedisStore::new(redis.clone()), LIMIT)
}

/// Sends so many requests, one after the other, and returns who admitted those that were. None fails and none hangs.
pub(crate) async fn admitting(limiter: &RateLimiter<RedisStore>, requests: u32) -> Vec<Source> {
    let mut admitting = Vec::new();
    for _ in 0..requests {
        let checked = limiter.check(Subject::user("u"), 1);
        match timeout(PATIENCE, checked).await.unwrap() {
            Ok(permit) => admitting.push(permit.decision().source()),
            Err(refusal) => assert_eq!(refusal.decision().outcome(), Outcome::Refused),
        }
    }
    admitting
}

/// The same where all that are admitted are so by one source: how many.
pub(crate) async fn admitted(
    limiter: &RateLimiter<RedisStore>,
    source: Source,
    requests: u32,
) -> u32 {
    let admitting = admitting(limiter, requests).await;
    assert!(
        admitting.iter().all(|by| *by == source),
        "{source:?}: {admitting:?}"
    );
    u32::try_from(admitting.len()).unwrap()
}

pub(crate) async fn until(redis: &RedisClient, expected: impl FnMut(&Health) -> bool) {
    let mut health = redis.watch();
    let reached = timeout(PATIENCE, health.wait_for(expected)).await;
    assert!(reached.is_ok(), "still {:?}", redis.health());
}

pub(crate) fn degraded(health: &Health) -> bool {
    health.status() == Status::Degraded
}

pub(crate) struct Trial {
    pub(crate) limiter: RateLimiter<RedisStore>,
    redis: RedisClient,
    load: Load,
}

impl Trial {
    pub(crate) async fn begin(redis: &RedisClient) -> Self {
        Self::of(instance(redis), redis).await
    }

    pub(crate) async fn of(limiter: RateLimiter<RedisStore>, redis: &RedisClient) -> Self {
        assert_eq!(admitted(&limiter, Source::REDIS, BEFORE).await, BEFORE);
        let load = Load::start(&limiter).await;
        let redis = redis.clone();
        Self {
            limiter,
            redis,
            load,
        }
    }

    /// While the fault lasts, what the server has admitted and what the instance admits are one share.
    pub(crate) async fn goes_on_alone(&self) {
        let alone = admitted(&self.limiter, Source::FALLBACK, 2 * LIMIT).await;
        assert_eq!(BEFORE + alone, SHARE);
        self.load.until_one_is_decided_alone().await;
    }

    /// From the cure on the server admits what it does not know to be used up, at most the limit; so in all there are at
    /// most the limit and a share, of everybody. Returns how many.
    pub(crate) async fn recovers(self) -> u32 {
        let recovery = self.load.until_the_server_decides().await;
        let most = RECOVERY + 4 * self.load.lateness();
        assert!(recovery <= most, "{recovery:?} of {most:?}");
        let others = self.load.end().await;
        say(recovery, others.slowest);
        until(&self.redis, Health::is_connected).await;
        let after = admitted(&self.limiter, Source::REDIS, 2 * LIMIT).await;
        assert!((1..=LIMIT).contains(&after), "{after}");
        let others = others.with_what_is_left(&self.limiter).await;
        assert!(others.iter().all(|all| *all <= LIMIT + SHARE), "{others:?}");
        SHARE + after
    }
}

#[expect(
    clippy::print_stdout,
    reason = "how far the bounds are is worth to be seen"
)]
fn say(recovery: Duration, slowest: Duration) {
    println!("the server decided again after {recovery:?}; the slowest check took {slowest:?}");
}

pub(crate) async fn through_proxy(deadline: Duration) -> (Server, Proxy, RedisClient) {
    let server = Server::start();
    let proxy = Proxy::start(server.address()).await;
    let builder = RedisClient::builder(format!("redis://{}", proxy.address()));
    let redis = connected(builder.deadline(deadline).connect_timeout(deadline)).await;
    (server, proxy, redis)
}

/// A server with an administrator, and a client of it.
pub(crate) async fn administered() -> (Server, Admin, RedisClient) {
    let server = Server::start();
    let admin = server.admin().await;
    let redis = connected(server.builder().deadline(DEADLINE)).await;
    (server, admin, redis)
}

pub(crate) fn patient(builder: RedisClientBuilder) -> RedisClientBuilder {
    builder.deadline(DEADLINE).connect_timeout(PATIENCE)
}
