//! Several instances under load while the server misbehaves at random.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use exodrive_cache::{Invalidated, MemoryStore, RedisStore, Store, TieredStore};
use exodrive_faults::{PATIENCE, Server};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::instance::{Database, Instance, until};
use crate::support::{builder, start};

/// How long the weather is bad.
const STORM: Duration = Duration::from_secs(8);
const DEADLINE: Duration = Duration::from_millis(100);
/// How far a memory may be behind: a second and the deadline, and as much again for a busy machine.
const LAG: Duration = Duration::from_millis(2_200);

async fn store(server: &Server) -> RedisStore {
    let redis = builder(server).deadline(DEADLINE).build().unwrap();
    redis.require(PATIENCE).await.unwrap();
    RedisStore::new(redis).lease(Duration::from_millis(200))
}

/// Since when which version was the oldest that may be served.
#[derive(Default)]
struct History(VecDeque<(Instant, u64)>);

impl History {
    fn note(&mut self, applied: u64) {
        let now = Instant::now();
        if self.0.back().is_none_or(|(_, last)| *last < applied) {
            self.0.push_back((now, applied));
        }
        while self.0.len() > 1 && self.0[1].0 + LAG < now {
            self.0.pop_front();
        }
    }

    /// Returns what had been applied this long ago.
    fn before(&self, lag: Duration) -> u64 {
        let then = Instant::now() - lag;
        let old = self.0.iter().rev().find(|(since, _)| *since <= then);
        old.map_or(0, |(_, applied)| *applied)
    }
}

struct Weather {
    over: AtomicBool,
    answers: AtomicU64,
    hits: AtomicU64,
    events: AtomicU64,
}

/// Asks, and accepts nothing that had been invalidated `lag` before the question.
async fn client<St: Store>(instance: Instance<St>, lag: Duration, weather: Arc<Weather>) {
    let mut history = History::default();
    while !weather.over.load(Ordering::Relaxed) {
        history.note(instance.database.applied());
        let oldest = if lag.is_zero() {
            instance.database.applied()
        } else {
            history.before(lag)
        };
        let got = instance.get("7").await;
        assert!(got.version >= oldest, "{got:?} is older than {oldest}");
        weather.answers.fetch_add(1, Ordering::Relaxed);
        weather
            .hits
            .fetch_add((got.from == "HIT").into(), Ordering::Relaxed);
        sleep(Duration::from_millis(1)).await;
    }
}

/// Changes the row, and sees each change at once on its own instance.
async fn writer<St: Store>(instance: Instance<St>, weather: Arc<Weather>) {
    while !weather.over.load(Ordering::Relaxed) {
        let invalidated = instance.change("7").await;
        let row = instance.database.row();
        let got = instance.get("7").await;
        assert!(got.version >= row, "{got:?} after {row}: {invalidated:?}");
        weather.events.fetch_add(
            (invalidated == Invalidated::Applied).into(),
            Ordering::Relaxed,
        );
        sleep(Duration::from_millis(fastrand::u64(1..30))).await;
    }
}

async fn storm(server: &mut Server) {
    let over = Instant::now() + STORM;
    while Instant::now() < over {
        sleep(Duration::from_millis(fastrand::u64(50..400))).await;
        let what = fastrand::u8(0..8);
        let order = match what {
            0 => {
                server.stall();
                sleep(Duration::from_millis(fastrand::u64(10..600))).await;
                server.resume();
                continue;
            }
            1 => "SAVE",
            2 => "FLUSHALL",
            3 => "DEL cache:j",
            4 => "DEL cache:t:row:7",
            5 => "DEL cache:era cache:t:row",
            _ => "CLIENT KILL TYPE normal SKIPME yes",
        };
        // Whether it is well enough to obey does not matter.
        let _ = server.admin().await.try_ask::<()>(order).await;
        if what == 1 {
            // What happens in between is in no snapshot.
            sleep(Duration::from_millis(50)).await;
            server.kill();
            sleep(Duration::from_millis(fastrand::u64(10..200))).await;
            server.restart();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_stale_is_served_in_a_storm() {
    let mut server = start();
    let database = Database::default();
    let weather = Arc::new(Weather {
        over: AtomicBool::new(false),
        answers: AtomicU64::new(0),
        hits: AtomicU64::new(0),
        events: AtomicU64::new(0),
    });
    let pause = Duration::from_millis(2);
    let mut tasks = JoinSet::new();
    for _ in 0..2 {
        let tiered = TieredStore::new(MemoryStore::default(), store(&server).await);
        let instance = Instance::new(tiered, &database, pause);
        tasks.spawn(client(instance.clone(), LAG, weather.clone()));
        tasks.spawn(client(instance, LAG, weather.clone()));
    }
    // Without a memory there is nothing to lag behind.
    let plain = Instance::new(store(&server).await, &database, pause);
    tasks.spawn(client(plain.clone(), Duration::ZERO, weather.clone()));
    tasks.spawn(writer(plain, weather.clone()));

    storm(&mut server).await;
    // It clears up: events hold and answers are hits again.
    let [hits, events] =
        [&weather.hits, &weather.events].map(|count| count.load(Ordering::Relaxed));
    until(|| weather.hits.load(Ordering::Relaxed) > hits).await;
    until(|| weather.events.load(Ordering::Relaxed) > events).await;
    weather.over.store(true, Ordering::Relaxed);
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    let answers = weather.answers.load(Ordering::Relaxed);
    assert!(
        answers > 100 && hits > 0 && events > 0,
        "{answers} answers, {hits} hits, {events} events"
    );
}
