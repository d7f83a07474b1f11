//! `exodrive-ratelimit` in Redis beside the bare calls that its checks amount to, on one multiplexed connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use exodrive_benches::{Goal, Group};
use exodrive_ratelimit::{HOUR, Limit, Quota, RateLimiter, RedisStore, Subject};
use exodrive_redis::RedisClient;
use redis::Cmd;
use redis::aio::MultiplexedConnection;
use redis_test::server::RedisServer;
use tokio::runtime::{Builder, Runtime};

const BARE: &str = "the same script for each limit, one connection";
const OURS: &str = "exodrive-ratelimit";

/// More than enough for every check of a run.
const PLENTY: u32 = 1_000_000_000;

pub(crate) fn run() {
    let server = RedisServer::new();
    let bench = Bench::new(&format!("redis://{}", server.client_addr()));
    let rate = |name| Limit::gcra(name, Quota::per_second(PLENTY)).by_subject();
    let once = Limit::sliding_window("once", 1, HOUR).by_subject();

    // 0.95, 2 and 20 times as many checks in the same time.
    bench.compare("one rate, 64 callers", 64, [rate("a")], 1.0 / 0.95);
    bench.compare("one rate, 256 callers", 256, [rate("a")], 1.0 / 0.95);
    bench.compare(
        "three rates, 64 callers",
        64,
        ["a", "b", "c"].map(rate),
        0.5,
    );
    bench.compare("a refused client, 64 callers", 64, [once], 1.0 / 20.0);
    bench.lease("a hot limit that is leased, 64 callers", 64, 1.0 / 20.0);
}

/// One server, and one runtime for everything that talks to it.
struct Bench {
    runtime: Arc<Runtime>,
    ours: RedisClient,
    bare: MultiplexedConnection,
}

impl Bench {
    fn new(url: &str) -> Self {
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
        let runtime = Arc::new(runtime);
        runtime.clone().block_on(async {
            let builder = RedisClient::builder(url).deadline(Duration::from_secs(1));
            let ours = builder.build().unwrap();
            ours.require(Duration::from_secs(10)).await.unwrap();
            let client = redis::Client::open(url).unwrap();
            Self {
                runtime,
                ours,
                bare: client.get_multiplexed_async_connection().await.unwrap(),
            }
        })
    }

    /// Checks of all limits together beside one call for each.
    fn compare<const LIMITS: usize>(
        &self,
        name: &'static str,
        callers: usize,
        limits: [Limit; LIMITS],
        most: f64,
    ) {
        let limiter = self.limiter(limits.clone());
        let check = move || {
            let limiter = limiter.clone();
            async move { drop(limiter.check(somebody(), 1).await) }
        };
        self.beside(name, callers, limits, check, most);
    }

    /// Checks of a limit of which a thousand tokens are taken at once, beside a call for each of them.
    fn lease(&self, name: &'static str, callers: usize, most: f64) {
        let limit = |name| Limit::sliding_window(name, PLENTY, HOUR).by_subject();
        let limiter = self.limiter([limit("leased").lease(1_000)]);
        let (asking, admitted) = (limiter.clone(), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&admitted);
        let check = move || {
            let (limiter, counted) = (asking.clone(), Arc::clone(&counted));
            async move {
                if limiter.check(somebody(), 1).await.is_ok() {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        self.beside(name, callers, [limit("asked")], check, most);
        let control = limiter.control();
        let counted = self.runtime.block_on(control.peek(somebody())).unwrap();
        let (admitted, charged) = (
            admitted.load(Ordering::Relaxed),
            PLENTY - counted.limits()[0].remaining(),
        );
        assert!(
            admitted <= charged,
            "{admitted} admitted, {charged} charged"
        );
    }

    /// Something beside a call for each limit.
    fn beside<const LIMITS: usize, F: Future<Output = ()> + Send>(
        &self,
        name: &'static str,
        callers: usize,
        limits: [Limit; LIMITS],
        check: impl Fn() -> F + Clone + Send + Sync + 'static,
        most: f64,
    ) {
        let calls = Arc::new(limits.map(|limit| self.sent_for(limit)));
        let bare = self.bare.clone();
        Group::new(name)
            .callers(BARE, &self.runtime, callers, move || {
                let (mut bare, calls) = (bare.clone(), Arc::clone(&calls));
                async move {
                    for call in &*calls {
                        let answer: Vec<i64> = call.query_async(&mut bare).await.unwrap();
                        assert!(!answer.is_empty());
                    }
                }
            })
            .callers(OURS, &self.runtime, callers, check)
            .goal(Goal::ratio(most, BARE))
            .run();
    }

    fn limiter(&self, limits: impl IntoIterator<Item = Limit>) -> RateLimiter<RedisStore> {
        let builder = RateLimiter::builder(RedisStore::new(self.ours.clone()));
        let builder = limits
            .into_iter()
            .fold(builder, |all, limit| all.limit(limit));
        builder.build().unwrap()
    }

    /// What a check of the limit is to the server, whose slow log keeps the arguments of commands.
    fn sent_for(&self, limit: Limit) -> Cmd {
        let mut bare = self.bare.clone();
        self.runtime.block_on(async move {
            // The first check loads the script, and charges what makes the next one a refusal if there is to be one.
            drop(self.limiter([limit.clone()]).check(somebody(), 1).await);
            log_slower_than(0, &mut bare).await;
            drop(self.limiter([limit]).check(somebody(), 1).await);
            log_slower_than(-1, &mut bare).await;
            let mut get = redis::cmd("SLOWLOG");
            let get = get.arg("GET").arg(-1).query_async(&mut bare);
            let log: Vec<Logged> = get.await.unwrap();
            let mut commands = log.into_iter().map(|(_, _, _, arguments, _, _)| arguments);
            let sent = commands
                .find(|arguments| arguments[0] == b"EVALSHA")
                .unwrap();
            let mut call = Cmd::new();
            call.arg(sent);
            call
        })
    }
}

/// Its number, when and for how long it ran, the command, and the client's address and name.
type Logged = (i64, i64, i64, Vec<Vec<u8>>, Vec<u8>, Vec<u8>);

async fn log_slower_than(microseconds: i64, connection: &mut MultiplexedConnection) {
    let mut set = redis::cmd("CONFIG");
    let set = set
        .arg("SET")
        .arg("slowlog-log-slower-than")
        .arg(microseconds);
    let () = set.query_async(connection).await.unwrap();
}

fn somebody() -> Subject {
    Subject::user("user-0123456789-000000001")
}
