//! Keys on several servers.

use std::time::Duration;

use crate::instance::{Database, Instance, tiered};
use crate::support::STORE;
use exodrive_cache::testing::keeps_the_contract;
use exodrive_cache::{Invalidated, RedisStore};
use exodrive_faults::{Cluster, PATIENCE};
use exodrive_redis::RedisClient;

async fn store(cluster: &Cluster) -> RedisStore {
    let no_others: [&str; 0] = [];
    let redis = RedisClient::builder(&cluster.urls()[0])
        .cluster(no_others)
        .deadline(PATIENCE)
        .connect_timeout(PATIENCE)
        .build()
        .unwrap();
    redis.require(PATIENCE).await.unwrap();
    RedisStore::new(redis).lease(Duration::from_millis(100))
}

async fn start() -> Cluster {
    let cluster = Cluster::start(3).await;
    for node in 0..3 {
        let rules = STORE.split_whitespace().collect::<Vec<_>>().join(" ");
        let allow = format!("ACL SETUSER app resetkeys {rules}");
        cluster.admin(node).order(&allow).await;
    }
    cluster
}

#[tokio::test]
async fn keeps_the_contract_of_stores() {
    let cluster = start().await;
    keeps_the_contract(&store(&cluster).await).await;
    keeps_the_contract(&tiered(store(&cluster).await).await).await;
}

#[tokio::test]
async fn an_event_holds_for_every_instance() {
    let cluster = start().await;
    let database = Database::default();
    let one = Instance::new(store(&cluster).await, &database, Duration::ZERO);
    let other = Instance::new(store(&cluster).await, &database, Duration::ZERO);
    for round in 1..=20 {
        // Each in a slot of its own.
        let id = round.to_string();
        one.get_hit(&id).await;
        other.get_hit(&id).await;
        assert_eq!(one.change(&id).await, Invalidated::Applied);
        assert_eq!(other.get(&id).await.version, 1);
    }
}
