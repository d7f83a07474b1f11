//! Keys that move, and servers that are gone while others are not.

use std::sync::LazyLock;
use std::time::Duration;

use exodrive_faults::Cluster;
use exodrive_faults::PATIENCE;
use exodrive_redis::Command;
use exodrive_redis::ErrorKind;
use exodrive_redis::Health;
use exodrive_redis::RedisClient;
use exodrive_redis::RedisClientBuilder;
use exodrive_redis::Reply;
use exodrive_redis::Script;
use exodrive_redis::Status;
use exodrive_redis::StreamEvent;
use exodrive_redis::StreamReader;
use tokio::time::Instant;
use tokio::time::timeout;

use crate::support::builder;
use crate::support::eventually;
use crate::support::get;
use crate::support::set;
use crate::support::until;

/// One key on each of three servers, in their order, with its slot.
const KEYS: [(&str, u16); 3] = [("b", 3_300), ("c", 7_365), ("a", 15_495)];

const NO_OTHERS: [&str; 0] = [];

/// KEYS[1] counter. Returns the new count.
static COUNT: LazyLock<Script> =
    LazyLock::new(|| Script::new("return redis.call('INCR', KEYS[1])"));

async fn connect(cluster: &Cluster) -> RedisClient {
    let redis = one_of(cluster).build().unwrap();
    redis.require(PATIENCE).await.unwrap();
    redis
}

/// A handle that is told one server only.
fn one_of(cluster: &Cluster) -> RedisClientBuilder {
    builder(&cluster.urls()[0]).cluster(NO_OTHERS)
}

fn degraded(health: &Health) -> bool {
    health.status() == Status::Degraded
}

#[tokio::test]
async fn finds_all_servers_through_one_and_every_key_on_its_server() {
    let cluster = Cluster::start(3).await;
    let redis = connect(&cluster).await;
    until(&redis, |health| health.connections() == 6).await;
    for (key, _) in KEYS {
        assert_eq!(redis.query::<()>(&set(key, key)).await, Ok(()));
    }
    for (server, (key, _)) in KEYS.iter().enumerate() {
        let value: String = cluster.admin(server).ask(&format!("GET {key}")).await;
        assert_eq!(value, *key);
        let size: u8 = cluster.admin(server).ask("DBSIZE").await;
        assert_eq!(size, 1);
        let rejected: String = cluster.admin(server).ask("INFO errorstats").await;
        assert!(!rejected.contains("MOVED"), "{rejected}");
    }
    assert_eq!(redis.invoke::<i64>(&COUNT.keys(["count"])).await, Ok(1));
    let time = redis.query::<Reply>(&Command::new("TIME")).await;
    assert!(time.is_ok());
}

#[tokio::test]
async fn a_call_over_two_slots_is_refused() {
    let cluster = Cluster::start(3).await;
    let redis = connect(&cluster).await;
    let both = Command::new("MGET").arg("a").arg("b");
    let two = Script::new("return 1");
    let refusals = [
        redis.query::<()>(&both).await.unwrap_err(),
        redis.invoke::<()>(&two.keys(["a", "b"])).await.unwrap_err(),
        redis
            .pipeline([set("a", "1"), set("b", "1")])
            .await
            .unwrap_err(),
    ];
    for refusal in refusals {
        assert_eq!(refusal.kind(), ErrorKind::Refused);
        assert_eq!(refusal.server_code(), Some("CROSSSLOT"));
    }
    assert_eq!(redis.query::<Option<String>>(&get("a")).await, Ok(None));
    let same = [set("{a}1", "1"), Command::new("PING"), get("{a}2")];
    let replies = redis.pipeline(same).await.unwrap();
    assert!(replies.iter().all(Result::is_ok), "{replies:?}");
}

#[tokio::test]
async fn a_slot_on_the_move_is_followed_and_no_call_counts_twice() {
    let cluster = Cluster::start(3).await;
    let redis = connect(&cluster).await;
    let [_, _, (key, slot)] = KEYS;
    let mut count = 0;
    let mut counted = async || {
        count += 1;
        assert_eq!(redis.invoke::<i64>(&COUNT.keys([key])).await, Ok(count));
        count += 1;
        let increment = Command::new("INCR").arg(key);
        assert_eq!(redis.query::<i64>(&increment).await, Ok(count));
        count += 2;
        let replies = redis
            .pipeline([increment.clone(), increment])
            .await
            .unwrap();
        assert_eq!(replies[1], Ok(Reply::Integer(count)));
    };
    counted().await;
    cluster.begin_migration(slot, 2, 0).await;
    counted().await;
    cluster.migrate_keys(slot, 2, 0).await;
    // The keys are with one server and the slot is with the other.
    counted().await;
    // Keys that nobody has are made where the slot goes.
    let fresh = COUNT.keys(["{a}fresh"]);
    assert_eq!(redis.invoke::<i64>(&fresh).await, Ok(1));
    cluster.finish_migration(slot, 0).await;
    counted().await;
    counted().await;
    assert_eq!(redis.invoke::<i64>(&fresh).await, Ok(2));
    assert!(redis.health().is_connected());
}

#[tokio::test]
async fn a_slot_moved_at_once_is_found_again_and_then_asked_for_directly() {
    let cluster = Cluster::start(3).await;
    let redis = connect(&cluster).await;
    let [_, _, (key, slot)] = KEYS;
    cluster.begin_migration(slot, 2, 0).await;
    cluster.finish_migration(slot, 0).await;
    assert_eq!(redis.query::<()>(&set(key, "moved")).await, Ok(()));
    // Redirections are counted by the server that makes them.
    let moved = async || -> String { cluster.admin(2).ask("INFO errorstats").await };
    let direct = async {
        loop {
            let before = moved().await;
            redis.query::<()>(&get(key)).await.unwrap();
            if before == moved().await {
                break;
            }
        }
    };
    timeout(PATIENCE, direct).await.unwrap();
}

#[tokio::test]
async fn a_killed_server_costs_its_own_keys_only_and_comes_back() {
    let mut cluster = Cluster::start(3).await;
    let redis = connect(&cluster).await;
    until(&redis, |health| health.connections() == 6).await;
    cluster.node_mut(1).kill();
    until(&redis, degraded).await;
    let [_, (gone, _), _] = KEYS;
    for _ in 0..200 {
        let error = redis.query::<()>(&get(gone)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        for (key, _) in [KEYS[0], KEYS[2]] {
            assert_eq!(redis.query::<()>(&set(key, "served")).await, Ok(()));
        }
    }
    assert_eq!(redis.health().connections(), 4);
    cluster.node_mut(1).restart();
    redis.require(PATIENCE).await.unwrap();
    assert_eq!(redis.query::<()>(&get(gone)).await, Ok(()));
}

#[tokio::test]
async fn a_stalled_server_opens_its_own_breaker_only() {
    const DEADLINE: Duration = Duration::from_millis(300);
    let cluster = Cluster::start(3).await;
    let redis = one_of(&cluster).deadline(DEADLINE).build().unwrap();
    redis.require(PATIENCE).await.unwrap();
    cluster.node(1).stall();
    let [_, (stalled, _), _] = KEYS;
    let failures = async {
        for _ in 0..5 {
            let error = redis.query::<()>(&get(stalled)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout);
        }
        until(&redis, Health::is_breaker_open).await;
    };
    let others = async {
        while !redis.health().is_breaker_open() {
            for (key, _) in [KEYS[0], KEYS[2]] {
                assert_eq!(redis.query::<()>(&set(key, "served")).await, Ok(()));
            }
        }
    };
    tokio::join!(failures, others);
    let begun = Instant::now();
    for _ in 0..1_000 {
        let error = redis.query::<()>(&get(stalled)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    assert!(begun.elapsed() < 10 * DEADLINE);
    cluster.node(1).resume();
    redis.require(PATIENCE).await.unwrap();
    assert_eq!(redis.query::<()>(&get(stalled)).await, Ok(()));
}

#[tokio::test]
async fn starts_without_the_cluster_and_finds_it_through_any_server_named() {
    let cluster = Cluster::start(3).await;
    let urls = cluster.urls();
    let nowhere = urls[0].replace(&cluster.node(0).address(), "127.0.0.1:1");
    let redis = builder(&nowhere).cluster(NO_OTHERS).build().unwrap();
    assert_eq!(redis.health().status(), Status::Starting);
    let early = redis.query::<()>(&get("a")).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::Unavailable);
    until(&redis, degraded).await;

    let redis = builder(&nowhere).cluster([&urls[2]]).build().unwrap();
    redis.require(PATIENCE).await.unwrap();
    assert_eq!(redis.query::<()>(&set("b", "served")).await, Ok(()));
}

#[tokio::test]
async fn slots_without_a_server_degrade_until_they_have_one() {
    let cluster = Cluster::start(3).await;
    let [_, _, (key, slot)] = KEYS;
    for server in 0..3 {
        let orphan = format!("CLUSTER DELSLOTS {slot}");
        // The others may have heard of it already.
        let _ = cluster.admin(server).try_ask::<()>(&orphan).await;
    }
    let redis = one_of(&cluster).build().unwrap();
    let health = until(&redis, degraded).await;
    let reason = health.last_error().unwrap().to_string();
    assert!(reason.contains("slots without a server"), "{reason}");
    let served = async {
        while redis.query::<()>(&set("b", "served")).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, served).await.unwrap();
    for _ in 0..20 {
        assert!(redis.query::<()>(&get(key)).await.is_err());
    }
    // That is nothing to hold against the servers that there are.
    assert!(!redis.health().is_breaker_open());
    cluster
        .admin(2)
        .order(&format!("CLUSTER ADDSLOTS {slot}"))
        .await;
    redis.require(PATIENCE).await.unwrap();
    assert_eq!(redis.query::<()>(&set(key, "served")).await, Ok(()));
}

#[tokio::test]
async fn a_stream_is_read_where_its_slot_is_and_followed() {
    let cluster = Cluster::start(3).await;
    let redis = connect(&cluster).await;
    let [_, _, (key, slot)] = KEYS;
    let mut reader = redis.read_stream(key);
    let add = async |value: &str| {
        let add = Command::new("XADD").arg(key).arg("*").arg("value");
        redis.query::<()>(&add.arg(value)).await.unwrap();
    };
    let next =
        async |reader: &mut StreamReader| timeout(PATIENCE, reader.next()).await.unwrap().unwrap();
    let value = |event| match event {
        StreamEvent::Entry(entry) => entry.field("value").unwrap().to_vec(),
        event => panic!("{event:?}"),
    };
    assert_eq!(next(&mut reader).await, StreamEvent::Began);
    add("1").await;
    assert_eq!(value(next(&mut reader).await), b"1");
    cluster.begin_migration(slot, 2, 0).await;
    cluster.migrate_keys(slot, 2, 0).await;
    cluster.finish_migration(slot, 0).await;
    add("2").await;
    let StreamEvent::Lost(_) = next(&mut reader).await else {
        panic!("read on where the slot is not");
    };
    assert_eq!(next(&mut reader).await, StreamEvent::Resumed);
    assert_eq!(value(next(&mut reader).await), b"2");
}

#[tokio::test]
async fn the_last_handle_takes_the_tasks_of_all_servers_along() {
    let cluster = Cluster::start(3).await;
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = tasks();
    let redis = connect(&cluster).await;
    until(&redis, |health| health.connections() == 6).await;
    drop(redis);
    eventually(|| tasks() == before).await;
}
