//! Four instances under load while the server and the network misbehave at random: whoever asks is answered with nothing
//! that was made before an invalidation which had ended.
//!
//! What had ended is exact. An invalidation that returned `Applied` holds for whoever reads from Redis, and [`LAG`] later for
//! whoever reads from a memory; on the instance that made it, one that returned `Deferred` holds as well. When the weather is good
//! again, the deferred ones reach everybody.
//!
//! `EXODRIVE_CHAOS_SECONDS` says for how long, and `EXODRIVE_CHAOS_SEED` which troubles come in which order.

mod promised;
mod storm;

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use exodrive_cache::{Invalidated, MemoryStore, RedisStore, Store, TieredStore, tag};
use exodrive_faults::{Proxy, Server};
use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use self::promised::Promised;
pub(crate) use self::storm::{any_fault, any_order, pause};
use self::storm::{disturb_network, disturb_server};
use crate::instance::{Database, Instance};
use crate::support::{client, start};

const SECONDS: u64 = 8;
pub(crate) const DEADLINE: Duration = Duration::from_millis(100);
/// How far a memory may be behind: a second and three deadlines, and almost as much again for a busy machine.
pub(crate) const LAG: Duration = Duration::from_millis(2_200);
const ROWS: u64 = 8;
/// How soon there are hits again, with twice the time for a busy machine.
const CURED: Duration = Duration::from_secs(5);

/// A store that is in a hurry, at the address of a server or of a proxy.
pub(crate) async fn store(server: &Server, address: &str) -> RedisStore {
    let redis = client(server, address, DEADLINE).await;
    RedisStore::new(redis).lease(Duration::from_millis(200))
}

/// What has happened so far.
#[derive(Debug, Default)]
struct Counts {
    answers: AtomicU64,
    hits: AtomicU64,
    in_use: AtomicU64,
    applied: AtomicU64,
    deferred: AtomicU64,
}

/// An instance, what it was promised, and how far it may be behind the others.
#[derive(Clone)]
struct Node<St: Store> {
    instance: Instance<St>,
    number: usize,
    lag: Duration,
    promised: Arc<[Promised]>,
    counts: Arc<Counts>,
    over: Arc<AtomicBool>,
}

impl<St: Store> Node<St> {
    /// Asks, and accepts nothing older than what was promised before the question.
    async fn ask(&self, row: u64) -> bool {
        let (number, lag) = (self.number, self.lag);
        let floor = self.promised[row as usize].floor(number, lag);
        let got = self.instance.get(&row.to_string()).await;
        let version = got.version;
        assert!(
            version >= floor,
            "instance {number} answered {version} for row {row} by {}, after {floor} was promised",
            got.from
        );
        let is_hit = got.from == "HIT";
        self.counts.answers.fetch_add(1, Ordering::Relaxed);
        self.counts.hits.fetch_add(is_hit.into(), Ordering::Relaxed);
        is_hit && version == self.instance.database.row(&row.to_string())
    }

    async fn read(self) {
        while !self.is_over() {
            self.ask(fastrand::u64(..ROWS)).await;
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Changes rows, and sees each change at once on its own instance.
    async fn write(self) {
        while !self.is_over() {
            let row = fastrand::u64(..ROWS);
            let version = self.instance.database.write(&row.to_string());
            let invalidated = self.instance.invalidate(tag!("row:{row}")).await;
            self.promised[row as usize].note(self.number, version, invalidated);
            let count = match invalidated {
                Invalidated::Applied => &self.counts.applied,
                Invalidated::Deferred => &self.counts.deferred,
            };
            count.fetch_add(1, Ordering::Relaxed);
            self.ask(row).await;
            sleep(Duration::from_millis(fastrand::u64(1..80))).await;
        }
    }

    /// Asks until every row is a hit again, of the version that is in the database.
    async fn recovers(&self) {
        for row in 0..ROWS {
            while !self.ask(row).await {
                sleep(Duration::from_millis(5)).await;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

impl Node<TieredStore> {
    /// Takes note of how often the memory is in use.
    async fn watch(self) {
        while !self.is_over() {
            let is_used = self.instance.cache.store().memory_is_in_use();
            self.counts
                .in_use
                .fetch_add(is_used.into(), Ordering::Relaxed);
            sleep(Duration::from_millis(10)).await;
        }
    }
}

pub(crate) fn lasts() -> Duration {
    Duration::from_secs(setting("EXODRIVE_CHAOS_SECONDS").unwrap_or(SECONDS))
}

#[expect(
    clippy::print_stderr,
    reason = "whoever sees it fail wants to see it again"
)]
pub(crate) fn seeded() -> Rng {
    let seed = setting("EXODRIVE_CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..));
    eprintln!("seed {seed}");
    Rng::with_seed(seed)
}

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::print_stderr,
    reason = "who runs it wants to know what happened"
)]
async fn nothing_stale_is_served_in_a_storm() {
    let lasts = lasts();
    let mut random = seeded();
    let mut server = start();
    let database = Database::default();
    let promised: Arc<[Promised]> = (0..ROWS).map(|_| Promised::default()).collect();
    let (counts, over) = (Arc::<Counts>::default(), Arc::<AtomicBool>::default());
    let end = Instant::now() + lasts;

    let mut clients = JoinSet::new();
    let mut troubles = JoinSet::new();
    let mut tiered = Vec::new();
    // The longer a handler takes, the more happens to what it makes.
    for (number, pause) in [0, 2, 20].into_iter().enumerate() {
        let proxy = Proxy::start(server.address()).await;
        let store = store(&server, &proxy.address()).await;
        let store = TieredStore::new(MemoryStore::default(), store);
        let node = Node {
            instance: Instance::new(store, &database, Duration::from_millis(pause)),
            number,
            lag: LAG,
            promised: promised.clone(),
            counts: counts.clone(),
            over: over.clone(),
        };
        clients.spawn(node.clone().read());
        clients.spawn(node.clone().write());
        clients.spawn(node.clone().watch());
        tiered.push(node);
        let random = random.fork();
        troubles.spawn(async move {
            let troubles = disturb_network(&proxy, random, end).await;
            // It goes on to forward.
            (troubles, Some(proxy))
        });
    }
    let plain = store(&server, &server.address()).await;
    let plain = Node {
        instance: Instance::new(plain, &database, Duration::from_millis(2)),
        number: tiered.len(),
        // Without a memory there is nothing to lag behind.
        lag: Duration::ZERO,
        promised,
        counts: counts.clone(),
        over: over.clone(),
    };
    clients.spawn(plain.clone().read());
    clients.spawn(plain.clone().write());

    let mut all = disturb_server(&mut server, random, end).await;
    let mut proxies = Vec::new();
    for (troubles, proxy) in troubles.join_all().await {
        all.add(&troubles);
        proxies.extend(proxy);
    }
    over.store(true, Ordering::Relaxed);
    let cured = Instant::now();
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    let recovery = async {
        for node in &tiered {
            node.recovers().await;
        }
        plain.recovers().await;
    };
    let recovered = timeout(CURED, recovery).await;
    eprintln!("{counts:?}, {all:?}, recovered in {:?}", cured.elapsed());
    recovered.unwrap();
    all.assert_some_of_each();
    let least = |count: &AtomicU64, each_second: u64| {
        assert!(
            count.load(Ordering::Relaxed) >= each_second * lasts.as_secs(),
            "{counts:?}"
        );
    };
    least(&counts.answers, 100);
    least(&counts.hits, 30);
    least(&counts.in_use, 10);
    least(&counts.applied, 3);
    least(&counts.deferred, 1);
}
