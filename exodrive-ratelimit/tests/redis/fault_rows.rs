//! Every fault of a server or of the network before it: no check fails or hangs, no more is admitted than the limit and
//! a share, and the server decides again soon after the cure, without a restart.

use std::time::Duration;

use exodrive_faults::Fault;
use exodrive_ratelimit::store::Source;
use exodrive_ratelimit::{RedisStore, Subject};
use exodrive_redis::{Health, Status};
use tokio::time::sleep;

use crate::load;
use crate::support::{Server, calls, connected};
use crate::trial::{
    BEFORE, DEADLINE, KEY, LIMIT, Trial, administered, admitted, admitting, degraded, instance,
    limiter, through_proxy, until,
};

#[tokio::test]
async fn a_killed_server_is_done_without_for_four_seconds() {
    let mut server = Server::start();
    let redis = connected(server.builder().deadline(DEADLINE)).await;
    let trial = Trial::begin(&redis).await;
    server.kill();
    until(&redis, degraded).await;
    trial.goes_on_alone().await;
    sleep(Duration::from_secs(4)).await;
    server.restart();
    // It has forgotten everything, and is told what was admitted without it.
    assert_eq!(trial.recovers().await, LIMIT + BEFORE);
}

#[tokio::test]
async fn a_stalled_server_is_done_without_for_ten_seconds() {
    let server = Server::start();
    let redis = connected(server.builder().deadline(DEADLINE)).await;
    let trial = Trial::begin(&redis).await;
    server.stall();
    trial.goes_on_alone().await;
    sleep(Duration::from_secs(10)).await;
    server.resume();
    trial.recovers().await;
}

#[tokio::test]
async fn a_delay_within_the_deadline_costs_one_round_trip_per_check() {
    const CHECKS: u32 = 30;
    let (_server, proxy, redis) = through_proxy(DEADLINE).await;
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
        Fault::Delay(2 * DEADLINE),
        Fault::SwallowReplies,
        Fault::SwallowRequests,
        Fault::Corrupt,
    ] {
        let (_server, proxy, redis) = through_proxy(DEADLINE / 2).await;
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
    const QUICK: Duration = Duration::from_millis(200);
    for fault in [
        Fault::Reset(0.05),
        Fault::SwallowReplies,
        Fault::SwallowRequests,
        Fault::HalfOpen,
    ] {
        let (server, proxy, redis) = through_proxy(QUICK).await;
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
async fn corrupt_entries_are_done_without_until_they_are_gone() {
    let (_server, admin, redis) = administered().await;
    let trial = Trial::begin(&redis).await;
    let entries = format!("{KEY} {}", load::keys().join(" "));
    let corrupt = entries.replace(' ', " corrupt ");
    admin.order(&format!("MSET {corrupt} corrupt")).await;
    trial.goes_on_alone().await;
    admin.order(&format!("DEL {entries}")).await;
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
    let loading = |health: &Health| {
        let code = health.last_error().and_then(|error| error.server_code());
        degraded(health) && code == Some("LOADING")
    };
    until(&redis, loading).await;
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
        let redis = connected(server.builder_as(login).deadline(DEADLINE)).await;
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
