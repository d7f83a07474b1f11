//! Every fault of a server or of the network before it, as an instance with a memory lives through it: each request is answered
//! with nothing stale and, as a rule, in time, and after the cure there are hits again, without a restart.
//!
//! | | fault | tests |
//! |---|---|---|
//! | F1 | no server at the start | [`a_server_that_is_not_there_yet`], `faults::starts_without_a_server` |
//! | F2 | crash and restart | [`a_crash`], `faults::a_server_that_comes_back_with_older_data_is_cold` |
//! | F3 | stall | [`a_stall`], `faults::a_stalled_server_wakes_to_writes_that_are_too_late` |
//! | F4 | delay beyond the deadline | [`a_network_that_misbehaves`] |
//! | F5 | delay within the deadline | `cost::a_hit_is_one_round_trip` |
//! | F6, F7 | resets; connections that swallow or hold what they are sent | [`a_network_that_misbehaves`] |
//! | F8 | corrupt replies; corrupt entries | [`a_network_that_misbehaves`]; `faults::what_cannot_be_read_is_a_miss` |
//! | F9 | a server that loads | [`a_server_that_loads`] |
//! | F10 | a master that becomes a replica | [`a_master_that_becomes_a_replica`] |
//! | F11 | a full server | [`a_full_server`], `faults::a_full_server_goes_on_hitting` |
//! | F12 | evictions | [`evictions`] |
//! | F13 | scripts forgotten | [`forgotten_scripts_under_500_requests`], `faults::forgotten_scripts_are_told_again` |
//! | F14 | another password | [`another_password_or_no_connection_to_spare`] |
//! | F15 | a certificate that has expired | [`a_certificate_that_has_expired`] |
//! | F16 | too many clients | [`another_password_or_no_connection_to_spare`] |
//! | F17 | all keys lost | [`all_keys_lost`], `faults::lost_keys_cost_misses`, `tiered::a_journal_that_is_deleted_empties_the_memory` |
//! | F18 | the journal's connection lost; stalled | `tiered::a_lost_connection_loses_no_invalidation`; [`a_journal_that_stalls_alone`] |
//! | F19 | failover by sentinels | [`a_failover`] |
//! | F20 | slots that move; a node of a cluster that ends | [`slots_that_move`]; [`a_node_that_ends`] |
//! | F21 | an invalidation while the server is away | [`what_is_deferred_arrives_before_anything_is_read`] |
//! | F22 | fills and invalidations in any order | `interleavings`, `histories`, `chaos`, and the search in the crate's own tests |
//! | F23 | clients that leave | `middleware::crowd`, `middleware::coalescing` |
//! | F24 | handlers that fail, panic or hang | `middleware::crowd`, `middleware::coalescing`, `middleware::timeouts` |
//! | F25 | 1,000 requests at once for a cold key | `tiered::a_cold_key_costs_one_call_for_all_instances` |

use std::time::Duration;

use exodrive_cache::{Invalidated, MemoryStore, RedisStore, TieredStore};
use exodrive_faults::{Admin, Certificates, Cluster, Fault, PATIENCE, Proxy, Sentinels, Server};
use exodrive_redis::{Health, RedisClient};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::instance::{Database, Instance, until};
use crate::support::{client, start};

/// A healthy server meets it on a busy machine.
const DEADLINE: Duration = Duration::from_millis(200);
/// Hits are back 2.5 s after the cure, and on a busy machine after twice that.
const CURED: Duration = Duration::from_secs(5);

/// An instance with a memory that lives through a fault and its cure.
#[derive(Clone)]
struct Trial {
    instance: Instance<TieredStore>,
    redis: RedisClient,
}

impl Trial {
    /// An instance that has stored an answer.
    async fn begin(redis: RedisClient) -> Self {
        redis.require(PATIENCE).await.unwrap();
        let trial = Self::on(redis);
        trial.uses_its_memory().await;
        trial.instance.get_hit("7").await;
        trial
    }

    fn on(redis: RedisClient) -> Self {
        let store = RedisStore::new(redis.clone()).lease(Duration::from_millis(100));
        let store = TieredStore::new(MemoryStore::default(), store);
        let instance = Instance::new(store, &Database::default(), Duration::ZERO);
        Self { instance, redis }
    }

    async fn uses_its_memory(&self) {
        until(|| self.instance.cache.store().memory_is_in_use()).await;
    }

    /// Is answered, and with what is in the database: nobody else changes that.
    async fn is_answered(&self, id: &str) -> String {
        let row = self.instance.database.row(id);
        let got = self.instance.get(id).await;
        assert_eq!(got.version, row, "{got:?}");
        got.from
    }

    /// Serves what it has stored, what it has not, and what changes, for a while, and most of it in time.
    async fn goes_on(&self) {
        let mut times = Vec::new();
        for n in 0..30 {
            let began = Instant::now();
            self.is_answered("7").await;
            self.is_answered(&format!("cold-{n}")).await;
            if n % 6 == 0 {
                self.instance.change("7").await;
            }
            times.push(began.elapsed());
        }
        times.sort();
        // The machine may be busy now and then.
        let median = times[times.len() / 2];
        assert!(median < 2 * DEADLINE, "{times:?}");
    }

    /// Hands out hits again, and keeps them in memory.
    async fn recovers(&self) {
        let cured = Instant::now();
        let hit = async {
            while self.is_answered("7").await != "HIT" {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let recovered = timeout(CURED, hit).await;
        assert!(recovered.is_ok(), "no hit after {:?}", cured.elapsed());
        self.uses_its_memory().await;
    }

    async fn is_degraded(&self) {
        let mut health = self.redis.watch();
        let degraded = health.wait_for(|health| !health.is_connected());
        timeout(PATIENCE, degraded).await.unwrap().unwrap();
    }
}

async fn on_a_server() -> (Server, Admin, Trial) {
    let server = start();
    let admin = server.admin().await;
    let redis = client(&server, &server.address(), DEADLINE).await;
    (server, admin, Trial::begin(redis).await)
}

fn as_anybody(url: &str) -> exodrive_redis::RedisClientBuilder {
    RedisClient::builder(url)
        .deadline(DEADLINE)
        .connect_timeout(2 * DEADLINE)
}

#[tokio::test]
async fn a_server_that_is_not_there_yet() {
    let mut server = start();
    server.kill();
    let trial = Trial::on(as_anybody(&server.url()).build().unwrap());
    trial.goes_on().await;
    server.restart();
    trial.recovers().await;
}

#[tokio::test]
async fn a_crash() {
    let (mut server, _, trial) = on_a_server().await;
    server.kill();
    trial.goes_on().await;
    server.restart();
    trial.recovers().await;
}

#[tokio::test]
async fn a_stall() {
    let (server, _, trial) = on_a_server().await;
    server.stall();
    trial.goes_on().await;
    server.resume();
    trial.recovers().await;
    // What was sent to the server meanwhile has been executed by now.
    trial.goes_on().await;
}

#[tokio::test]
async fn a_network_that_misbehaves() {
    for fault in [
        Fault::Delay(4 * DEADLINE),
        Fault::Reset(0.05),
        Fault::SwallowReplies,
        Fault::SwallowRequests,
        Fault::HalfOpen,
        Fault::Hold,
        Fault::CutAfter(3),
        Fault::Corrupt,
    ] {
        let server = start();
        let proxy = Proxy::start(server.address()).await;
        let redis = client(&server, &proxy.address(), DEADLINE).await;
        let trial = Trial::begin(redis).await;
        proxy.fault(fault);
        trial.goes_on().await;
        proxy.fault(Fault::None);
        trial.recovers().await;
        trial.goes_on().await;
    }
}

async fn is_loading(admin: &Admin) -> bool {
    let answer = admin.try_ask::<Option<String>>("GET a").await;
    answer.is_err_and(|error| error.code() == Some("LOADING"))
}

#[tokio::test]
async fn a_server_that_loads() {
    let (server, admin, trial) = on_a_server().await;
    for order in [
        "DEBUG POPULATE 2000",
        "CONFIG SET loading-process-events-interval-bytes 1024",
        "CONFIG SET key-load-delay 5000",
    ] {
        admin.order(order).await;
    }
    let reload = tokio::spawn(async move { drop(admin.try_ask::<()>("DEBUG RELOAD").await) });
    let second = server.admin().await;
    let loads = async {
        // It answers now and then.
        while !is_loading(&second).await {}
    };
    timeout(PATIENCE, loads).await.unwrap();
    trial.goes_on().await;
    assert!(is_loading(&second).await);
    drop(second.try_ask::<()>("CONFIG SET key-load-delay 0").await);
    reload.await.unwrap();
    trial.recovers().await;
}

#[tokio::test]
async fn a_master_that_becomes_a_replica() {
    let (_server, admin, trial) = on_a_server().await;
    admin.order("REPLICAOF 127.0.0.1 1").await;
    trial.goes_on().await;
    trial.is_degraded().await;
    admin.order("REPLICAOF NO ONE").await;
    trial.recovers().await;
}

#[tokio::test]
async fn a_full_server() {
    let (_server, admin, trial) = on_a_server().await;
    trial.instance.get_hit("8").await;
    admin.order("CONFIG SET maxmemory 1").await;
    trial.goes_on().await;
    assert_eq!(trial.is_answered("8").await, "HIT");
    admin.order("CONFIG SET maxmemory 0").await;
    trial.recovers().await;
}

async fn number(admin: &Admin, section: &str, name: &str) -> u64 {
    let info: String = admin.ask(&format!("INFO {section}")).await;
    let line = info.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap()[1..].trim().parse().unwrap()
}

#[tokio::test]
async fn evictions() {
    const ROOM: u64 = 256 << 10;
    let (_server, admin, trial) = on_a_server().await;
    let used = number(&admin, "memory", "used_memory").await;
    for order in [
        "maxmemory-policy allkeys-random".to_owned(),
        format!("maxmemory {}", used + ROOM),
    ] {
        admin.order(&format!("CONFIG SET {order}")).await;
    }
    let mut clients = JoinSet::new();
    for client in 0..8 {
        let trial = trial.clone();
        clients.spawn(async move {
            for n in 0..200 {
                let id = format!("{client}-{n}");
                trial.is_answered(&id).await;
                if n % 10 == 0 {
                    trial.instance.change(&id).await;
                }
                trial.is_answered(&id).await;
            }
        });
    }
    clients.join_all().await;
    assert!(number(&admin, "stats", "evicted_keys").await > 100);
    admin.order("CONFIG SET maxmemory 0").await;
    trial.recovers().await;
}

#[tokio::test]
async fn forgotten_scripts_under_500_requests() {
    let (_server, admin, trial) = on_a_server().await;
    let mut clients = JoinSet::new();
    for n in 0..500 {
        let trial = trial.clone();
        clients.spawn(async move { trial.instance.get(&format!("{}", n % 20)).await.version });
    }
    admin.order("SCRIPT FLUSH").await;
    admin.order("CLIENT KILL TYPE normal SKIPME yes").await;
    assert_eq!(clients.join_all().await, [0; 500]);
    trial.recovers().await;
}

#[tokio::test]
async fn another_password_or_no_connection_to_spare() {
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
        let server = start();
        let admin = server.admin().await;
        admin.order(prepare).await;
        let url = server.url_as(":first@");
        // Without a password the server takes none.
        let url = if prepare.contains("first") {
            url
        } else {
            server.url()
        };
        let trial = Trial::begin(as_anybody(&url).build().unwrap()).await;
        admin.order(fault).await;
        admin.order("CLIENT KILL TYPE normal SKIPME yes").await;
        trial.is_degraded().await;
        trial.goes_on().await;
        admin.order(cure).await;
        trial.recovers().await;
        let shown = format!("{:?} {:?}", trial.redis, trial.instance.cache);
        assert!(!shown.contains("first"), "{shown}");
    }
}

#[tokio::test]
async fn a_certificate_that_has_expired() {
    let certificates = Certificates::new();
    let mut server = Server::behind_tls(&certificates);
    let redis = as_anybody(&format!("rediss://{}", server.address()))
        .certificate_authorities(certificates.authority());
    let trial = Trial::begin(redis.build().unwrap()).await;
    certificates.expire();
    server.kill();
    server.restart();
    trial.is_degraded().await;
    trial.goes_on().await;
    certificates.renew();
    server.kill();
    server.restart();
    trial.recovers().await;
}

#[tokio::test]
async fn all_keys_lost() {
    let (_server, admin, trial) = on_a_server().await;
    for _ in 0..20 {
        admin.order("FLUSHALL").await;
        trial.is_answered("7").await;
        trial.instance.change("7").await;
        trial.is_answered("7").await;
    }
    trial.recovers().await;
}

#[tokio::test]
async fn a_journal_that_stalls_alone() {
    // The only connection for calls is the first, so the journal is read on the second.
    const JOURNAL: usize = 2;
    let server = start();
    let proxy = Proxy::start(server.address()).await;
    let redis = as_anybody(&server.url_at(&proxy.address())).connections(1);
    let trial = Trial::begin(redis.build().unwrap()).await;
    let redis = client(&server, &server.address(), PATIENCE).await;
    let other = Instance::new(
        RedisStore::new(redis),
        &trial.instance.database,
        Duration::ZERO,
    );
    let store = trial.instance.cache.store();
    proxy.fault(Fault::Mute(JOURNAL));
    assert_eq!(other.change("7").await, Invalidated::Applied);
    let applied = Instant::now();
    let mut served_from_memory = 0;
    while trial.instance.get("7").await.version < 1 {
        served_from_memory += 1;
        // A second and three deadlines, and half a second for a busy machine.
        let behind = applied.elapsed();
        assert!(behind < Duration::from_millis(2_100), "{behind:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(served_from_memory > 0, "the memory was in use");
    assert!(!store.memory_is_in_use());
    proxy.fault(Fault::None);
    trial.recovers().await;
}

#[tokio::test]
async fn a_failover() {
    let mut sentinels = Sentinels::start().await;
    let url = format!("redis://{}", Sentinels::MASTER);
    let redis = as_anybody(&url).sentinels(sentinels.urls());
    let trial = Trial::begin(redis.build().unwrap()).await;
    sentinels.kill_master();
    trial.is_degraded().await;
    trial.goes_on().await;
    // The sentinels promote the replica by themselves, in their own time.
    trial
        .redis
        .watch()
        .wait_for(Health::is_connected)
        .await
        .unwrap();
    trial.recovers().await;
}

async fn in_a_cluster() -> (Cluster, Trial) {
    let cluster = Cluster::start(3).await;
    let no_others: [&str; 0] = [];
    let redis = as_anybody(&cluster.node(0).url_as("")).cluster(no_others);
    (cluster, Trial::begin(redis.build().unwrap()).await)
}

/// Returns the slot of the only key of this pattern, and which server has it.
async fn place(cluster: &Cluster, pattern: &str) -> (u16, usize) {
    for node in 0..3 {
        let admin = cluster.admin(node);
        let keys: Vec<String> = admin.ask(&format!("KEYS {pattern}")).await;
        if let Some(key) = keys.first() {
            return (admin.ask(&format!("CLUSTER KEYSLOT {key}")).await, node);
        }
    }
    panic!("nobody has {pattern}");
}

#[tokio::test]
async fn slots_that_move() {
    for pattern in ["cache:e:*", "cache:t:row:7", "cache:j", "cache:era"] {
        let (cluster, trial) = in_a_cluster().await;
        let (slot, from) = place(&cluster, pattern).await;
        let to = (from + 1) % 3;
        cluster.begin_migration(slot, from, to).await;
        trial.goes_on().await;
        cluster.migrate_keys(slot, from, to).await;
        trial.goes_on().await;
        cluster.finish_migration(slot, to).await;
        trial.goes_on().await;
        trial.recovers().await;
        for node in 0..3 {
            let errors: String = cluster.admin(node).ask("INFO errorstats").await;
            assert!(!errors.contains("CROSSSLOT"), "{errors}");
        }
    }
}

#[tokio::test]
async fn a_node_that_ends() {
    let (mut cluster, trial) = in_a_cluster().await;
    let (_, node) = place(&cluster, "cache:e:*").await;
    cluster.node_mut(node).kill();
    trial.is_degraded().await;
    trial.goes_on().await;
    cluster.node_mut(node).restart();
    trial
        .redis
        .watch()
        .wait_for(Health::is_connected)
        .await
        .unwrap();
    trial.recovers().await;
}

#[tokio::test]
async fn what_is_deferred_arrives_before_anything_is_read() {
    let (server, _, trial) = on_a_server().await;
    let redis = client(&server, &server.address(), PATIENCE).await;
    let other = Instance::new(
        RedisStore::new(redis),
        &trial.instance.database,
        Duration::ZERO,
    );
    other.get_hit("7").await;
    server.stall();
    let began = Instant::now();
    assert_eq!(trial.instance.change("7").await, Invalidated::Deferred);
    assert!(began.elapsed() < 5 * DEADLINE, "{:?}", began.elapsed());
    trial.is_answered("7").await;
    server.resume();
    trial.recovers().await;
    // There is a hit, so something was read from the server.
    assert_eq!(other.get("7").await.version, 1);
}
