//! Every fault of a server or of the network before it: no check fails or hangs, no more is admitted than the limit and
//! a share, and the server decides again after the cure, without a restart.

use std::time::Duration;

use exodrive_faults::{Admin, Certificates, Cluster, Fault, Proxy, Sentinels};
use exodrive_ratelimit::store::Source;
use exodrive_ratelimit::{DAY, Limit, Outcome, RateLimiter, RedisStore, Subject};
use exodrive_redis::{Health, RedisClient, RedisClientBuilder, Status};
use tokio::time::timeout;

use crate::slots;
use crate::support::{PATIENCE, Server, calls, connected};

const LIMIT: u32 = 100;
const SHARE: u32 = LIMIT / 4;

/// What the server counts by.
const KEY: &str = "rl:{user/u}:w:daily";

/// What the server has counted before the fault.
const BEFORE: u32 = 10;

/// A healthy server meets it on a busy machine.
const DEADLINE: Duration = Duration::from_millis(200);

/// One of four instances with a limit for each day.
fn limiter(store: RedisStore, limit: u32) -> RateLimiter<RedisStore> {
    RateLimiter::builder(store)
        .limit(Limit::sliding_window("daily", limit, DAY).by_subject())
        .instances(4)
        .build()
        .unwrap()
}

fn instance(redis: &RedisClient) -> RateLimiter<RedisStore> {
    limiter(RedisStore::new(redis.clone()), LIMIT)
}

/// Sends so many requests, one after the other, and returns who admitted those that were. None fails and none hangs.
async fn admitting(limiter: &RateLimiter<RedisStore>, requests: u32) -> Vec<Source> {
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
async fn admitted(limiter: &RateLimiter<RedisStore>, source: Source, requests: u32) -> u32 {
    let admitting = admitting(limiter, requests).await;
    assert!(
        admitting.iter().all(|by| *by == source),
        "{source:?}: {admitting:?}"
    );
    u32::try_from(admitting.len()).unwrap()
}

async fn until(redis: &RedisClient, expected: impl FnMut(&Health) -> bool) {
    let mut health = redis.watch();
    let reached = timeout(PATIENCE, health.wait_for(expected)).await;
    assert!(reached.is_ok(), "still {:?}", redis.health());
}

fn degraded(health: &Health) -> bool {
    health.status() == Status::Degraded
}

/// An instance that lives through a fault and its cure.
struct Trial {
    limiter: RateLimiter<RedisStore>,
    redis: RedisClient,
}

impl Trial {
    async fn begin(redis: &RedisClient) -> Self {
        Self::of(instance(redis), redis).await
    }

    async fn of(limiter: RateLimiter<RedisStore>, redis: &RedisClient) -> Self {
        assert_eq!(admitted(&limiter, Source::REDIS, BEFORE).await, BEFORE);
        let redis = redis.clone();
        Self { limiter, redis }
    }

    /// While the fault lasts, what the server has admitted and what the instance admits are one share.
    async fn goes_on_alone(&self) {
        let alone = admitted(&self.limiter, Source::FALLBACK, 2 * LIMIT).await;
        assert_eq!(BEFORE + alone, SHARE);
    }

    /// After the cure the server admits what it does not know to be used up, at most the limit; so in all there are at
    /// most the limit and a share. Returns how many.
    async fn recovers(self) -> u32 {
        until(&self.redis, Health::is_connected).await;
        let after = admitted(&self.limiter, Source::REDIS, 2 * LIMIT).await;
        assert!((1..=LIMIT).contains(&after), "{after}");
        SHARE + after
    }
}

async fn through_proxy(deadline: Duration) -> (Server, Proxy, RedisClient) {
    let server = Server::start();
    let proxy = Proxy::start(server.address()).await;
    let builder = RedisClient::builder(format!("redis://{}", proxy.address()));
    let redis = connected(builder.deadline(deadline).connect_timeout(deadline)).await;
    (server, proxy, redis)
}

/// A server with an administrator and a client of one connection, so that calls arrive in their order.
async fn administered() -> (Server, Admin, RedisClient) {
    let server = Server::start();
    let (admin, redis) = (server.admin().await, server.connect().await);
    (server, admin, redis)
}

#[tokio::test]
async fn a_delay_within_the_deadline_costs_one_round_trip_per_check() {
    const CHECKS: u32 = 30;
    let (_server, proxy, redis) = through_proxy(PATIENCE).await;
    let limiter = instance(&redis);
    assert_eq!(admitted(&limiter, Source::REDIS, BEFORE).await, BEFORE);
    let before = (redis.health(), calls(&redis, "evalsha").await);
    proxy.fault(Fault::Delay(Duration::from_millis(20)));
    assert_eq!(admitted(&limiter, Source::REDIS, CHECKS).await, CHECKS);
    let after = (redis.health(), calls(&redis, "evalsha").await);
    assert_eq!(after, (before.0, before.1 + u64::from(CHECKS)));
}

#[tokio::test]
async fn late_swallowed_and_corrupt_replies_are_done_without() {
    for fault in [
        Fault::Delay(4 * DEADLINE),
        Fault::SwallowReplies,
        Fault::SwallowRequests,
        Fault::Corrupt,
    ] {
        let (_server, proxy, redis) = through_proxy(DEADLINE).await;
        let trial = Trial::begin(&redis).await;
        proxy.fault(fault);
        trial.goes_on_alone().await;
        until(&redis, degraded).await;
        // It stays so, however often another connection is tried.
        let since = redis.health().since();
        proxy.accepted_more_than(proxy.accepted() + 3).await;
        let health = redis.health();
        assert_eq!((health.status(), health.since()), (Status::Degraded, since));
        proxy.fault(Fault::None);
        trial.recovers().await;
    }
}

#[tokio::test]
async fn what_is_reset_or_swallowed_is_debited_once_at_most() {
    const MUCH: u32 = 10_000;
    const CHECKS: u32 = 400;
    for fault in [
        Fault::Reset(0.05),
        Fault::SwallowReplies,
        Fault::SwallowRequests,
        Fault::HalfOpen,
    ] {
        let (server, proxy, redis) = through_proxy(DEADLINE).await;
        let limiter = limiter(RedisStore::new(redis.clone()), MUCH);
        proxy.fault(fault);
        // There is room for all of them in the share as well.
        let mut by = admitting(&limiter, CHECKS).await;
        assert!(by.contains(&Source::FALLBACK), "{fault:?}");
        proxy.fault(Fault::None);
        until(&redis, Health::is_connected).await;
        by.extend(admitting(&limiter, CHECKS).await);
        assert_eq!(by.len(), 2 * CHECKS as usize);
        assert_eq!(by.last(), Some(&Source::REDIS));

        let direct = self::limiter(RedisStore::new(connected(server.builder()).await), MUCH);
        let counted = direct.control().peek(Subject::user("u")).await.unwrap();
        let debited = MUCH - counted.limits()[0].remaining();
        let by_server = by.iter().filter(|by| **by == Source::REDIS).count();
        let possible = by_server..=by.len();
        assert!(
            possible.contains(&(debited as usize)),
            "{fault:?}: {debited} of {possible:?}"
        );
    }
}

#[tokio::test]
async fn a_corrupt_entry_is_done_without_until_it_is_gone() {
    let (_server, admin, redis) = administered().await;
    let trial = Trial::begin(&redis).await;
    admin.order(&format!("SET {KEY} corrupt XX")).await;
    trial.goes_on_alone().await;
    admin.order(&format!("DEL {KEY}")).await;
    trial.recovers().await;
}

#[tokio::test]
async fn a_loading_server_is_done_without() {
    let (server, admin, redis) = administered().await;
    let trial = Trial::begin(&redis).await;
    for line in [
        "DEBUG POPULATE 2000",
        "CONFIG SET loading-process-events-interval-bytes 1024",
        "CONFIG SET key-load-delay 5000",
    ] {
        admin.order(line).await;
    }
    // While it loads, the server may answer too late for the patience of an administrator's connection.
    let reload = tokio::spawn(async move { drop(admin.try_ask::<()>("DEBUG RELOAD").await) });
    let calls = async {
        while !degraded(&redis.health()) {
            let nobody = Subject::user("nobody");
            drop(trial.limiter.check(nobody, 0).await);
        }
    };
    timeout(PATIENCE, calls).await.unwrap();
    let health = redis.health();
    let code = health.last_error().and_then(|error| error.server_code());
    assert_eq!(code, Some("LOADING"));
    trial.goes_on_alone().await;
    let second = server.admin().await;
    drop(second.try_ask::<()>("CONFIG SET key-load-delay 0").await);
    reload.await.unwrap();
    assert_eq!(trial.recovers().await, LIMIT);
}

#[tokio::test]
async fn a_replica_is_done_without() {
    let (_server, admin, redis) = administered().await;
    let trial = Trial::begin(&redis).await;
    admin.order("REPLICAOF 127.0.0.1 1").await;
    trial.goes_on_alone().await;
    until(&redis, degraded).await;
    admin.order("REPLICAOF NO ONE").await;
    trial.recovers().await;
}

#[tokio::test]
async fn a_full_server_is_done_without() {
    let (_server, admin, redis) = administered().await;
    let trial = Trial::begin(&redis).await;
    admin.order("CONFIG SET maxmemory 1").await;
    trial.goes_on_alone().await;
    admin.order("CONFIG SET maxmemory 0").await;
    trial.recovers().await;
}

#[tokio::test]
async fn what_is_evicted_or_flushed_may_be_admitted_once_more() {
    const TIMES: u32 = 3;
    let (_server, admin, redis) = administered().await;
    admin.order("CONFIG SET maxmemory-policy allkeys-lru").await;
    let evict = ["CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"];
    for forget in [&evict[..], &["FLUSHALL"]] {
        admin.order("FLUSHALL").await;
        let mut total = 0;
        for _ in 0..TIMES {
            // One that has been refused may repeat that for a moment.
            total += admitted(&instance(&redis), Source::REDIS, 2 * LIMIT).await;
            admin.order(forget[0]).await;
            let counted = format!("EXISTS {KEY}");
            admin.until(&counted, |counted: &bool| !counted).await;
            if let Some(cure) = forget.get(1) {
                admin.order(cure).await;
            }
        }
        assert_eq!(total, TIMES * LIMIT, "{forget:?}");
    }
}

#[tokio::test]
async fn a_rotated_password_and_a_want_of_connections_are_done_without() {
    for [prepare, fault, cure] in [
        [
            "CONFIG SET requirepass first",
            "CONFIG SET requirepass second",
            "CONFIG SET requirepass first",
        ],
        [
            "CONFIG SET maxclients 100",
            "CONFIG SET maxclients 1",
            "CONFIG SET maxclients 100",
        ],
    ] {
        let server = Server::start();
        let admin = server.admin().await;
        admin.order(prepare).await;
        let login = if prepare.contains("first") {
            ":first@"
        } else {
            ""
        };
        let redis = connected(server.builder_as(login).connections(1)).await;
        let trial = Trial::begin(&redis).await;
        admin.order(fault).await;
        admin.order("CLIENT KILL TYPE normal SKIPME yes").await;
        until(&redis, |health| {
            degraded(health) && health.connections() == 0
        })
        .await;
        trial.goes_on_alone().await;
        admin.order(cure).await;
        assert_eq!(trial.recovers().await, LIMIT, "{fault}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_is_done_without() {
    let certificates = Certificates::new();
    let mut server = exodrive_faults::Server::behind_tls(&certificates);
    let redis =
        RedisClient::builder(server.url()).certificate_authorities(certificates.authority());
    let redis = connected(patient(redis)).await;
    let trial = Trial::begin(&redis).await;
    certificates.expire();
    server.kill();
    server.restart();
    until(&redis, degraded).await;
    trial.goes_on_alone().await;
    certificates.renew();
    server.kill();
    server.restart();
    trial.recovers().await;
}

fn patient(builder: RedisClientBuilder) -> RedisClientBuilder {
    builder.deadline(PATIENCE).connect_timeout(PATIENCE)
}

#[tokio::test]
async fn a_failover_is_lived_through() {
    let mut sentinels = Sentinels::start().await;
    let builder = RedisClient::builder(sentinels.url()).sentinels(sentinels.urls());
    let redis = connected(patient(builder)).await;
    let trial = Trial::begin(&redis).await;
    sentinels.kill_master();
    until(&redis, degraded).await;
    trial.goes_on_alone().await;
    // The sentinels promote the replica by themselves.
    trial.recovers().await;
}

/// A cluster, and a client that is told one of its servers.
async fn clustered() -> (Cluster, RedisClient) {
    let cluster = Cluster::start(3).await;
    let builder = RedisClient::builder(&cluster.urls()[0]).cluster([""; 0]);
    let redis = connected(patient(builder)).await;
    (cluster, redis)
}

/// The slot of a key, and which server has it.
async fn place(cluster: &Cluster, key: &str) -> (u16, usize) {
    let slot: u16 = cluster
        .admin(0)
        .ask(&format!("CLUSTER KEYSLOT {key}"))
        .await;
    for node in 0..3 {
        let keys: u32 = cluster
            .admin(node)
            .ask(&format!("CLUSTER COUNTKEYSINSLOT {slot}"))
            .await;
        if keys > 0 {
            return (slot, node);
        }
    }
    panic!("nobody has {key}");
}

#[tokio::test]
async fn slots_on_the_move_are_followed_and_counted_exactly() {
    let (cluster, redis) = clustered().await;
    let limiter = slots::limiter(&redis);
    let mut sent = 0;
    let mut five = async || {
        for _ in 0..5 {
            let decision = slots::send(&limiter, "ada", &format!("t{}", sent / 5)).await;
            assert_eq!(decision.outcome(), Outcome::Allowed, "{sent}");
            assert_eq!(decision.source(), Source::REDIS, "{sent}");
            sent += 1;
        }
    };
    five().await;
    let (slot, from) = place(&cluster, "{ip/192.0.2.1}").await;
    let to = (from + 1) % 3;
    cluster.begin_migration(slot, from, to).await;
    five().await;
    cluster.migrate_keys(slot, from, to).await;
    five().await;
    cluster.finish_migration(slot, to).await;
    five().await;
    // The user's twenty are used up.
    let refused = slots::send(&limiter, "ada", "t9").await;
    assert_eq!(refused.outcome(), Outcome::Refused);
    for node in 0..3 {
        let errors: String = cluster.admin(node).ask("INFO errorstats").await;
        assert!(!errors.contains("CROSSSLOT"), "{errors}");
    }
}

#[tokio::test]
async fn a_killed_node_of_a_cluster_is_done_without() {
    let (mut cluster, redis) = clustered().await;
    let limiter = limiter(RedisStore::new(redis.clone()).in_cluster(), LIMIT);
    let trial = Trial::of(limiter, &redis).await;
    let (_, node) = place(&cluster, "{user/u}").await;
    cluster.node_mut(node).kill();
    until(&redis, degraded).await;
    trial.goes_on_alone().await;
    cluster.node_mut(node).restart();
    trial.recovers().await;
}
