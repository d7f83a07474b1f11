//! Several instances, each with a memory of its own.

use std::time::Duration;

use exodrive_cache::testing::{agrees_with_the_model, keeps_the_contract};
use exodrive_cache::{Invalidated, Invalidation, RedisStore, TieredStore};
use exodrive_faults::{PATIENCE, Server};
use http::Request;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, timeout};

use crate::instance::{Database, Instance, policy, tiered, until};
use crate::support::{builder, start, store};

async fn instances(
    server: &Server,
    database: &Database,
    count: usize,
) -> Vec<Instance<TieredStore>> {
    let mut instances = Vec::new();
    for _ in 0..count {
        let store = tiered(store(server).await).await;
        instances.push(Instance::new(store, database, Duration::ZERO));
    }
    instances
}

/// Asks until what was changed last is known.
async fn hears(instance: &Instance<TieredStore>, within: Duration) {
    let changed = async {
        while instance.get("7").await.version < instance.database.row("7") {
            yield_now().await;
        }
    };
    timeout(within, changed).await.unwrap();
}

#[tokio::test]
async fn keeps_the_contract_of_stores() {
    let server = start();
    let store = tiered(store(&server).await).await;
    keeps_the_contract(&store).await;
}

#[tokio::test]
async fn agrees_with_the_model_of_stores() {
    let server = start();
    for seed in 0..3 {
        let store = tiered(store(&server).await).await;
        agrees_with_the_model(&store, seed, 300).await;
    }
}

#[tokio::test]
async fn an_event_on_one_instance_reaches_the_memory_of_another() {
    let server = start();
    let database = Database::default();
    let [one, other] = &instances(&server, &database, 2).await[..] else {
        panic!()
    };
    for _ in 0..20 {
        let id = "7";
        one.get_hit(id).await;
        other.get_hit(id).await;
        assert_eq!(one.change(id).await, Invalidated::Applied);
        // On its own instance it holds at once, on the other as soon as the record is read.
        assert_eq!(one.get(id).await.version, database.row(id));
        hears(other, Duration::from_millis(1_050)).await;
    }
}

#[tokio::test]
async fn a_purge_by_a_request_reaches_the_memory_of_another() {
    let server = start();
    let database = Database::default();
    let instance = async || {
        let store = tiered(store(&server).await).await;
        Instance::with(policy().purge_by_key(), store, &database, Duration::ZERO)
    };
    let [one, other] = &[instance().await, instance().await];
    for instance in [one, other] {
        instance.get_hit("7").await;
        instance.get_hit("8").await;
    }
    database.write("7");
    let (request, ()) = Request::get("/rows/7").body(()).unwrap().into_parts();
    let purged = one.cache.purge("row", &request, Invalidation::Hard).await;
    assert_eq!(purged.unwrap(), Invalidated::Applied);
    assert_eq!(one.get("7").await.version, 1);
    hears(other, PATIENCE).await;
    assert_eq!(other.get("8").await.version, 0);
}

#[tokio::test]
async fn what_may_be_older_than_an_invalidation_by_another_is_not_stored() {
    let server = start();
    let database = Database::default();
    let instance = async || {
        let store = tiered(store(&server).await).await;
        let policy = policy().replica_lag(Duration::from_secs(3));
        Instance::with(policy, store, &database, Duration::ZERO)
    };
    let [one, other] = &[instance().await, instance().await];
    other.get_hit("7").await;
    let reads = database.reads();
    assert_eq!(one.change("7").await, Invalidated::Applied);
    hears(other, PATIENCE).await;
    // Were it stored, it would be a hit by now, here or there.
    for _ in 0..3 {
        assert_eq!(other.get("7").await.from, "MISS");
        assert_eq!(one.get("7").await.from, "MISS");
    }
    assert!(database.reads() >= reads + 6);
    other.get_hit("8").await;
    other.get_hit("7").await;
}

#[tokio::test]
async fn says_how_long_its_own_invalidations_took_to_come_back() {
    let server = start();
    let database = Database::default();
    let [one] = &instances(&server, &database, 1).await[..] else {
        panic!()
    };
    let store = one.cache.store();
    until(|| store.journal_lag().is_some()).await;
    let began = Instant::now();
    let before = store.journal_lag();
    assert_eq!(one.change("7").await, Invalidated::Applied);
    until(|| store.journal_lag() != before).await;
    let lag = store.journal_lag().unwrap();
    assert!(
        (Duration::from_micros(1)..began.elapsed()).contains(&lag),
        "{lag:?}"
    );
}

#[tokio::test]
async fn a_lost_connection_loses_no_invalidation() {
    let server = start();
    let admin = server.admin().await;
    let database = Database::default();
    let [one, other] = &instances(&server, &database, 2).await[..] else {
        panic!()
    };
    for round in 0..5 {
        one.get_hit("7").await;
        other.get_hit("7").await;
        admin.order("CLIENT KILL TYPE normal SKIPME yes").await;
        // What the killed connections cannot do is done once there are others.
        let invalidated = one.change("7").await;
        if invalidated == Invalidated::Deferred {
            until(|| one.cache.store().memory_is_in_use()).await;
        }
        until(|| other.cache.store().memory_is_in_use()).await;
        hears(other, PATIENCE).await;
        assert_eq!(
            one.get("7").await.version,
            database.row("7"),
            "round {round}"
        );
    }
}

#[tokio::test]
async fn a_trimmed_journal_empties_the_memory() {
    let server = start();
    let admin = server.admin().await;
    let database = Database::default();
    let [one, other] = &instances(&server, &database, 2).await[..] else {
        panic!()
    };
    one.get_hit("7").await;
    other.get_hit("7").await;
    // The other instance cannot come back in between, and so never sees the records.
    admin.order("MULTI").await;
    admin.order("CLIENT KILL TYPE normal SKIPME yes").await;
    admin.order("DEL cache:t:row:7").await;
    admin.order("XTRIM cache:j MAXLEN 0").await;
    admin.order("EXEC").await;
    until(|| !other.cache.store().memory_is_in_use()).await;
    until(|| other.cache.store().memory_is_in_use()).await;
    assert_eq!(other.get("7").await.from, "MISS");
}

#[tokio::test]
async fn a_journal_that_is_deleted_empties_the_memory() {
    let server = start();
    let admin = server.admin().await;
    let database = Database::default();
    let [one] = &instances(&server, &database, 1).await[..] else {
        panic!()
    };
    one.get_hit("7").await;
    until(|| one.cache.store().memory().weight() > 0).await;
    admin.order("FLUSHALL").await;
    let emptied = async {
        while one.get("7").await.from == "HIT" {
            yield_now().await;
        }
    };
    timeout(PATIENCE, emptied).await.unwrap();
}

#[tokio::test]
async fn a_memory_that_hears_nothing_is_not_used() {
    let server = start();
    let database = Database::default();
    let redis = builder(&server)
        .deadline(Duration::from_millis(200))
        .build()
        .unwrap();
    let store = tiered(RedisStore::new(redis)).await;
    let instance = Instance::new(store, &database, Duration::ZERO);
    instance.get_hit("7").await;
    let reads = database.reads();
    assert_eq!(instance.get("7").await.from, "HIT");
    assert_eq!(database.reads(), reads);
    server.stall();
    until(|| !instance.cache.store().memory_is_in_use()).await;
    assert_eq!(instance.get("7").await.from, "MISS");
    server.resume();
    until(|| instance.cache.store().memory_is_in_use()).await;
    instance.get_hit("7").await;
}

#[tokio::test]
async fn a_cold_key_costs_one_call_for_all_instances() {
    let server = start();
    let database = Database::default();
    let mut all = Vec::new();
    for _ in 0..4 {
        let store = tiered(store(&server).await.lease(Duration::from_secs(5))).await;
        all.push(Instance::new(store, &database, Duration::from_millis(300)));
    }
    let mut clients = JoinSet::new();
    for n in 0..1_000 {
        let instance = all[n % all.len()].clone();
        clients.spawn(async move { instance.get("cold").await.version });
    }
    let answers = clients.join_all().await;
    assert_eq!(answers, [0; 1_000]);
    assert!(
        (1..=2).contains(&database.reads()),
        "{} calls",
        database.reads()
    );
}

#[tokio::test]
async fn an_invalidation_that_waits_for_redis_hides_at_once_and_arrives_later() {
    let server = start();
    let database = Database::default();
    let [one, other] = &instances(&server, &database, 2).await[..] else {
        panic!()
    };
    one.get_hit("7").await;
    other.get_hit("7").await;
    let admin = server.admin().await;
    // Nobody can invalidate, but everybody can read.
    admin.order("ACL SETUSER app -xadd").await;
    assert_eq!(one.change("7").await, Invalidated::Deferred);
    let got = one.get("7").await;
    assert_eq!((got.version, got.from.as_str()), (1, "MISS"));
    admin.order("ACL SETUSER app +xadd").await;
    hears(other, PATIENCE).await;
}
