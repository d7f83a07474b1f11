//! The same where the server is reached in other ways: behind TLS, by sentinels, as a cluster.

use exodrive_faults::{Certificates, Cluster, Sentinels};
use exodrive_ratelimit::store::Source;
use exodrive_ratelimit::{Outcome, RedisStore};
use exodrive_redis::RedisClient;

use crate::load::{self, Load};
use crate::slots;
use crate::support::connected;
use crate::trial::{LIMIT, Trial, degraded, limiter, patient, until};

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
    sentinels.promoted().await;
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
async fn a_slot_that_moves_while_others_are_at_work_is_followed_and_counted_exactly() {
    let (cluster, redis) = clustered().await;
    let limiter = limiter(RedisStore::new(redis).in_cluster(), LIMIT);
    let load = Load::start(&limiter).await;

    let (slot, from) = place(&cluster, &load::keys()[0]).await;
    let to = (from + 1) % 3;
    cluster.begin_migration(slot, from, to).await;
    load.until_the_server_decides().await;
    cluster.migrate_keys(slot, from, to).await;
    load.until_the_server_decides().await;
    cluster.finish_migration(slot, to).await;
    load.until_the_server_decides().await;
    let totals = load.end().await;
    assert_eq!(totals.alone, 0);
    assert_eq!(totals.with_what_is_left(&limiter).await, [LIMIT; 5]);
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
    // For two seconds after its start a node serves nothing, by a constant of the server.
    cluster.serves(node).await;
    trial.recovers().await;
}
