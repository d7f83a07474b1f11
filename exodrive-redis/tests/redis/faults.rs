//! What goes wrong with servers, and that the handle recovers from all of it by itself.

use std::time::Duration;

use exodrive_faults::PATIENCE;
use exodrive_faults::Server;
use exodrive_redis::Command;
use exodrive_redis::ErrorKind;
use exodrive_redis::Health;
use exodrive_redis::RedisClient;
use exodrive_redis::Script;
use exodrive_redis::Status;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::timeout;

use crate::support::assert_serves;
use crate::support::builder;
use crate::support::connect;
use crate::support::get;
use crate::support::last_code;
use crate::support::set;
use crate::support::until;

fn degraded(health: &Health) -> bool {
    health.status() == Status::Degraded
}

/// Makes calls, whatever comes of them, until the handle is degraded.
async fn call_until_degraded(redis: &RedisClient) {
    let calls = async {
        while !degraded(&redis.health()) {
            let _ = redis.query::<()>(&get("a")).await;
        }
    };
    timeout(PATIENCE, calls).await.unwrap();
}

#[tokio::test]
async fn starts_without_a_server_and_connects_once_there_is_one() {
    let mut server = Server::start();
    server.kill();
    let redis = builder(server.url()).build().unwrap();
    assert_eq!(redis.health().status(), Status::Starting);
    let early = redis.query::<()>(&get("a")).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::Unavailable);
    until(&redis, degraded).await;
    let missing = redis.require(Duration::from_millis(1)).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Unavailable);
    server.restart();
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
}

#[tokio::test]
async fn notices_a_crash_without_a_call_and_reconnects_after_the_restart() {
    let mut server = Server::start();
    let redis = connect(&server).await;
    until(&redis, |health| health.connections() == 2).await;
    assert_eq!(redis.connections_made(), 2);
    server.kill();
    let health = until(&redis, degraded).await;
    assert_eq!(health.connections(), 0);
    for _ in 0..1_000 {
        let error = redis.query::<()>(&get("a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    server.restart();
    until(&redis, |health| health.connections() == 2).await;
    assert_eq!(redis.connections_made(), 4);
    assert_serves(&redis).await;
}

#[tokio::test]
async fn a_stalled_server_costs_few_calls_one_deadline_and_recovers() {
    const DEADLINE: Duration = Duration::from_millis(200);
    let server = Server::start();
    let redis = builder(server.url()).deadline(DEADLINE).build().unwrap();
    redis.require(PATIENCE).await.unwrap();
    server.stall();

    let mut first = JoinSet::new();
    for _ in 0..5 {
        let redis = redis.clone();
        first.spawn(async move { redis.query::<()>(&get("a")).await.unwrap_err().kind() });
    }
    assert_eq!(first.join_all().await, [ErrorKind::Timeout; 5]);
    let health = redis.health();
    assert_eq!(health.status(), Status::Degraded);
    assert!(health.is_breaker_open());
    assert_eq!(health.last_error().unwrap().kind(), ErrorKind::Timeout);

    let begun = Instant::now();
    for _ in 0..10_000 {
        let error = redis.query::<()>(&get("a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    // If even one in a hundred had waited for the server, this would have taken 20 s.
    assert!(begun.elapsed() < 50 * DEADLINE);

    // The probe runs out of time, and the connections are given up for new ones.
    until(&redis, |health| health.connections() == 0).await;
    server.resume();
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
    assert!(!redis.health().is_breaker_open());
}

#[tokio::test]
async fn recovers_from_a_rotated_password_once_the_right_one_is_back() {
    let server = Server::start();
    let admin = server.admin().await;
    admin.order("CONFIG SET requirepass first").await;
    let redis = builder(server.url_as(":first@")).build().unwrap();
    redis.require(PATIENCE).await.unwrap();

    admin.order("CONFIG SET requirepass second").await;
    admin.order("CLIENT KILL TYPE normal SKIPME yes").await;
    let health = until(&redis, |health| {
        last_code(health) == Some("WRONGPASS") && degraded(health)
    })
    .await;
    assert_eq!(health.connections(), 0);

    admin.order("CONFIG SET requirepass first").await;
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
}

#[tokio::test]
async fn a_missing_password_is_named_until_none_is_needed() {
    let server = Server::start();
    let admin = server.admin().await;
    admin.order("CONFIG SET requirepass secret").await;
    let redis = builder(server.url_as("")).build().unwrap();
    until(&redis, |health| last_code(health) == Some("NOAUTH")).await;
    // The trailing space is an empty last word.
    admin.order("CONFIG SET requirepass ").await;
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
}

#[tokio::test]
async fn asks_a_demoted_server_nothing_more_until_it_is_promoted() {
    let server = Server::start();
    let admin = server.admin().await;
    let redis = connect(&server).await;
    until(&redis, |health| health.connections() == 2).await;
    admin.order("REPLICAOF 127.0.0.1 1").await;

    let error = redis.query::<()>(&set("a", "b")).await.unwrap_err();
    assert_eq!(error.server_code(), Some("READONLY"));
    // A replica would answer these, with what may be out of date.
    for _ in 0..100 {
        let error = redis.query::<()>(&get("a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    let replica = |health: &Health| {
        health
            .last_error()
            .is_some_and(|error| error.to_string().contains("replica"))
    };
    until(&redis, |health| degraded(health) && replica(health)).await;

    admin.order("REPLICAOF NO ONE").await;
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
}

#[tokio::test]
async fn a_loading_server_is_probed_until_it_has_loaded() {
    let server = Server::start();
    let admin = server.admin().await;
    let redis = connect(&server).await;
    for line in [
        "DEBUG POPULATE 2000",
        "CONFIG SET loading-process-events-interval-bytes 1024",
        "CONFIG SET key-load-delay 5000",
    ] {
        admin.order(line).await;
    }
    let reload = tokio::spawn(async move {
        // This is answered after loading, which may be too late for the connection's patience.
        let _ = admin.try_ask::<()>("DEBUG RELOAD").await;
    });
    call_until_degraded(&redis).await;
    assert_eq!(last_code(&redis.health()), Some("LOADING"));

    // The rest is loaded at full speed.
    let second = server.admin().await;
    second.order("CONFIG SET key-load-delay 0").await;
    reload.await.unwrap();
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
}

#[tokio::test]
async fn a_full_server_goes_on_serving_reads() {
    let server = Server::start();
    let admin = server.admin().await;
    let redis = connect(&server).await;
    redis.query::<()>(&set("a", "kept")).await.unwrap();
    admin.order("CONFIG SET maxmemory 1").await;
    for _ in 0..50 {
        let error = redis.query::<()>(&set("b", "refused")).await.unwrap_err();
        assert_eq!(error.server_code(), Some("OOM"));
        assert_eq!(redis.query(&get("a")).await, Ok("kept".to_owned()));
    }
    assert!(redis.health().is_connected());
}

#[tokio::test]
async fn a_storm_of_evictions_loses_values_and_nothing_else() {
    const KEYS: u32 = 3_000;
    let server = Server::start();
    let admin = server.admin().await;
    let redis = connect(&server).await;
    let before = until(&redis, |health| health.connections() == 2).await;
    let used: String = admin.ask("INFO memory").await;
    let used = used
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    let room = used.unwrap().parse::<u64>().unwrap() + (1 << 20);
    admin.order("CONFIG SET maxmemory-policy allkeys-lru").await;
    admin.order(&format!("CONFIG SET maxmemory {room}")).await;
    let value = |key: u32| format!("{key} {}", "x".repeat(1_000));
    for key in 0..KEYS {
        let stored = redis.query::<()>(&set(&key.to_string(), &value(key))).await;
        assert_eq!(stored, Ok(()));
    }
    let mut kept = 0;
    for key in 0..KEYS {
        let found: Option<String> = redis.query(&get(&key.to_string())).await.unwrap();
        if let Some(found) = found {
            assert_eq!(found, value(key));
            kept += 1;
        }
    }
    assert!((1..KEYS).contains(&kept), "{kept}");
    assert_eq!(redis.health(), before);
}

#[tokio::test]
async fn an_emptied_server_starts_counting_over_and_fails_no_call() {
    const CALLS: i64 = 2_000;
    let server = Server::start();
    let admin = server.admin().await;
    let redis = connect(&server).await;
    let before = until(&redis, |health| health.connections() == 2).await;
    let count = Script::new("return redis.call('INCR', KEYS[1])");
    let mut last = 0;
    let mut emptied = 0;
    for call in 0..CALLS {
        if call % 100 == 50 {
            admin.order("FLUSHALL").await;
            emptied += 1;
        }
        let counted = redis.invoke::<i64>(&count.keys(["count"])).await.unwrap();
        let expected = if call % 100 == 50 { 1 } else { last + 1 };
        assert_eq!(counted, expected);
        last = counted;
    }
    assert_eq!(emptied, CALLS / 100);
    assert_eq!(redis.health(), before);
}

#[tokio::test]
async fn mistakes_of_callers_do_not_degrade() {
    let server = Server::start();
    let redis = connect(&server).await;
    redis.query::<()>(&set("word", "text")).await.unwrap();
    let before = until(&redis, |health| health.connections() == 2).await;
    for _ in 0..50 {
        let wrong_type = redis.query::<()>(&Command::new("LPOP").arg("word")).await;
        assert_eq!(wrong_type.unwrap_err().server_code(), Some("WRONGTYPE"));
        let unknown = redis.query::<()>(&Command::new("NONSENSE")).await;
        assert_eq!(unknown.unwrap_err().server_code(), Some("ERR"));
    }
    assert_eq!(redis.health(), before);
}

#[tokio::test]
async fn recovers_once_there_is_room_for_its_connections() {
    let server = Server::start();
    let admin = server.admin().await;
    let redis = connect(&server).await;
    until(&redis, |health| health.connections() == 2).await;
    admin.order("CONFIG SET maxclients 1").await;
    admin.order("CLIENT KILL TYPE normal SKIPME yes").await;
    until(&redis, |health| {
        degraded(health) && health.connections() == 0
    })
    .await;
    let full = redis.require(Duration::from_millis(200)).await.unwrap_err();
    assert_ne!(full.kind(), ErrorKind::Timeout);
    admin.order("CONFIG SET maxclients 100").await;
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
}
