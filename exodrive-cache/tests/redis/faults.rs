//! What goes wrong with the server: never a stale answer, never a failure.

use std::time::Duration;

use exodrive_cache::{Invalidated, RedisStore, tag};
use exodrive_faults::{PATIENCE, Server};
use tokio::time::{Instant, sleep, timeout};

use crate::instance::{Database, Instance, until};
use crate::support::{builder, start, store};

const DEADLINE: Duration = Duration::from_millis(300);

/// An instance without a memory of its own, which is in a hurry.
async fn instance(server: &Server, database: &Database) -> Instance<RedisStore> {
    let redis = builder(server).deadline(DEADLINE).build().unwrap();
    redis.require(PATIENCE).await.unwrap();
    let store = RedisStore::new(redis).lease(Duration::from_millis(100));
    Instance::new(store, database, Duration::ZERO)
}

/// Asks until the answers come from the cache again, and takes no stale one.
async fn recovers(instance: &Instance<RedisStore>) {
    let recovered = async {
        loop {
            let applied = instance.database.applied("7");
            let got = instance.get("7").await;
            assert!(got.version >= applied, "{got:?} is older than {applied}");
            if got.from == "HIT" {
                assert_eq!(got.version, instance.database.row("7"));
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, recovered).await.unwrap();
}

#[tokio::test]
async fn starts_without_a_server() {
    let mut server = start();
    server.kill();
    let database = Database::default();
    let redis = builder(&server).deadline(DEADLINE).build().unwrap();
    let store = RedisStore::new(redis).lease(Duration::from_millis(100));
    let instance = Instance::new(store, &database, Duration::ZERO);
    assert_eq!(instance.get("7").await.from, "MISS");
    assert_eq!(instance.change("7").await, Invalidated::Deferred);
    assert_eq!(instance.get("7").await.version, 1);
    server.restart();
    recovers(&instance).await;
}

#[tokio::test]
async fn a_server_that_comes_back_with_older_data_is_cold() {
    let mut server = start();
    let database = Database::default();
    let instance = instance(&server, &database).await;
    instance.get_hit("7").await;
    let admin = server.admin().await;
    admin.order("SAVE").await;
    // The entry is in the snapshot, its invalidation is not.
    assert_eq!(instance.change("7").await, Invalidated::Applied);
    server.kill();
    assert_eq!(instance.get("7").await.version, 1);
    server.restart();
    let admin = server.admin().await;
    let entries: Vec<String> = admin.ask("KEYS cache:e:*").await;
    assert_eq!(entries.len(), 1, "the old entry is back");
    // While connections are being made, nothing is believed anyway.
    let redis = instance.cache.store().redis();
    until(|| redis.health().connections() == 2).await;
    recovers(&instance).await;
}

#[tokio::test]
async fn a_stalled_server_wakes_to_writes_that_are_too_late() {
    let server = start();
    let database = Database::default();
    let one = instance(&server, &database).await;
    let other = instance(&server, &database).await;
    for round in 1..=3 {
        one.get_hit("7").await;
        other.get_hit("7").await;
        server.stall();
        // A fill of a key that is cold ends in a write that the server has not seen yet.
        let began = Instant::now();
        one.get(&format!("cold-{round}")).await;
        assert_eq!(one.change("7").await, Invalidated::Deferred);
        assert!(began.elapsed() < 5 * DEADLINE, "{:?}", began.elapsed());
        assert_eq!(one.get("7").await.version, round);
        server.resume();
        recovers(&one).await;
        recovers(&other).await;
        // The deferred one has arrived by now, and holds for all.
        assert_eq!(other.get("7").await.version, round);
    }
}

#[tokio::test]
async fn lost_keys_cost_misses() {
    let server = start();
    let admin = server.admin().await;
    let database = Database::default();
    let instance = instance(&server, &database).await;
    for round in 0..40 {
        instance.get_hit("7").await;
        match round % 4 {
            0 => admin.order("FLUSHALL").await,
            1 => admin.order("DEL cache:t:row:7").await,
            2 => admin.order("DEL cache:j").await,
            _ => admin.order("DEL cache:era").await,
        }
        if round % 3 == 0 {
            assert_eq!(instance.change("7").await, Invalidated::Applied);
        }
        recovers(&instance).await;
    }
}

#[tokio::test]
async fn a_full_server_goes_on_hitting() {
    let server = start();
    let admin = server.admin().await;
    let database = Database::default();
    let instance = instance(&server, &database).await;
    instance.get_hit("7").await;
    instance.get_hit("8").await;
    admin.order("CONFIG SET maxmemory 1").await;
    assert_eq!(instance.get("7").await.from, "HIT");
    assert_eq!(instance.get("cold").await.from, "MISS");
    // What cannot be told to the others is hidden here, and all else is still there.
    assert_eq!(instance.change("7").await, Invalidated::Deferred);
    assert_eq!(instance.get("7").await.version, 1);
    assert_eq!(instance.get("8").await.from, "HIT");
    admin.order("CONFIG SET maxmemory 0").await;
    recovers(&instance).await;
}

#[tokio::test]
async fn what_the_server_refuses_is_hidden_and_sent_again() {
    let server = start();
    let admin = server.admin().await;
    let database = Database::default();
    let one = instance(&server, &database).await;
    let other = instance(&server, &database).await;
    one.get_hit("7").await;
    one.get_hit("8").await;
    other.get_hit("7").await;
    admin.order("ACL SETUSER app -xadd -del").await;
    assert_eq!(one.change("7").await, Invalidated::Deferred);
    assert_eq!(one.get("7").await.version, 1);
    assert_eq!(one.get("7").await.version, 1);
    assert_eq!(one.get("8").await.from, "HIT");
    admin.order("ACL SETUSER app +xadd +del").await;
    let heard = async {
        while other.get("7").await.version < 1 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, heard).await.unwrap();
}

/// The handler of one instance has read the row, another instance changes it, and only then the tag is known.
#[tokio::test]
async fn a_tag_that_comes_late_is_not_too_late() {
    let server = start();
    let database = Database::default();
    let slow = Instance::new(store(&server).await, &database, Duration::from_millis(300));
    let other = instance(&server, &database).await;
    // The tag has a version, so that nothing about the tag itself looks new.
    other.get_hit("8").await;
    let reads = database.reads();
    let filling = tokio::spawn({
        let slow = slow.clone();
        async move { slow.get("7").await.version }
    });
    until(|| database.reads() > reads).await;
    assert_eq!(
        other.change_by("7", tag!("late")).await,
        Invalidated::Applied
    );
    assert_eq!(filling.await.unwrap(), 0, "the answer was under way");
    // The slow instance has ended its fill once it hands out hits again.
    assert_eq!(slow.get_hit("7").await.version, 1);
    assert_eq!(other.get("7").await.version, 1);
}

#[tokio::test]
async fn what_cannot_be_read_is_a_miss() {
    let server = start();
    let admin = server.admin().await;
    let database = Database::default();
    let instance = instance(&server, &database).await;
    instance.get_hit("7").await;
    let keys: Vec<String> = admin.ask("KEYS cache:e:*").await;
    let fields: Vec<String> = admin.ask(&format!("HKEYS {}", keys[0])).await;
    let variant = fields.iter().find(|field| *field != "vary").unwrap();
    for garbage in ["x", "0123456789abcdefghijklmnopqrstuvwxyz"] {
        admin
            .order(&format!("HSET {} {variant} {garbage}", keys[0]))
            .await;
        assert_eq!(instance.get("7").await.from, "MISS");
        recovers(&instance).await;
    }
    admin.order(&format!("SET {} not-a-hash", keys[0])).await;
    assert_eq!(instance.get("7").await.from, "MISS");
    admin.order(&format!("DEL {}", keys[0])).await;
    admin.order("SET cache:t:row:7 not-a-version").await;
    recovers(&instance).await;
}

#[tokio::test]
async fn forgotten_scripts_are_told_again() {
    let server = start();
    let admin = server.admin().await;
    let database = Database::default();
    let instance = instance(&server, &database).await;
    instance.get_hit("7").await;
    admin.order("SCRIPT FLUSH").await;
    admin.order("CLIENT KILL TYPE normal SKIPME yes").await;
    recovers(&instance).await;
}

/// An instance that was killed in the middle of a fill holds up nobody for longer than its lease.
#[tokio::test]
async fn an_abandoned_lease_ends() {
    let server = start();
    let admin = server.admin().await;
    let database = Database::default();
    let first = Instance::new(store(&server).await, &database, Duration::ZERO);
    first.get_hit("7").await;
    let leases: Vec<String> = admin.ask("KEYS cache:l:*").await;
    assert!(leases.is_empty(), "a fill gives its lease back");
    let entries: Vec<String> = admin.ask("KEYS cache:e:*").await;
    let lease = entries[0].replace(":e:", ":l:");
    admin.order(&format!("DEL {}", entries[0])).await;
    admin.order(&format!("SET {lease} + PX 200")).await;
    let began = Instant::now();
    assert_eq!(first.get("7").await.from, "MISS");
    assert!(began.elapsed() < Duration::from_secs(5));
    until(|| database.reads() == 2).await;
}
