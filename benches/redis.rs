//! `exodrive-redis` beside one bare multiplexed connection and beside a default `bb8-redis` pool.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use exodrive_benches::{Goal, Group};
use exodrive_redis::{Command, RedisClient, Script};
use redis::aio::MultiplexedConnection;
use redis_test::server::RedisServer;
use tokio::runtime::{Builder, Runtime};

const BARE: &str = "one multiplexed connection";
const OURS: &str = "exodrive-redis";
#[cfg(feature = "peers")]
const POOL: &str = "bb8-redis";

static NOTHING: LazyLock<Script> = LazyLock::new(|| Script::new("return 1"));
static BARE_NOTHING: LazyLock<redis::Script> = LazyLock::new(|| redis::Script::new("return 1"));

pub(crate) fn run() {
    let server = RedisServer::new();
    let bench = Bench::new(&format!("redis://{}", server.client_addr()));
    bench.compare("a script that does nothing, 64 callers", 64, Call::Script);
    bench.compare("a script that does nothing, 256 callers", 256, Call::Script);
    bench.compare("GET of 1 KiB, 64 callers", 64, Call::Get("1 KiB"));
    bench.compare("GET of 1 KiB, 256 callers", 256, Call::Get("1 KiB"));
    bench.compare("GET of 16 KiB, 64 callers", 64, Call::Get("16 KiB"));
    bench.compare("GET of 16 KiB, 256 callers", 256, Call::Get("16 KiB"));
}

#[derive(Clone, Copy)]
enum Call {
    Script,
    Get(&'static str),
}

/// One server, and one runtime for everything that talks to it.
struct Bench {
    runtime: Arc<Runtime>,
    ours: RedisClient,
    bare: MultiplexedConnection,
    #[cfg(feature = "peers")]
    pool: bb8_redis::bb8::Pool<bb8_redis::RedisConnectionManager>,
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
            for (key, bytes) in [("1 KiB", 1_024), ("16 KiB", 16 * 1_024)] {
                let set = Command::new("SET").arg(key).arg(vec![b'x'; bytes]);
                ours.query::<()>(&set).await.unwrap();
            }
            let client = redis::Client::open(url).unwrap();
            Self {
                runtime,
                ours,
                bare: client.get_multiplexed_async_connection().await.unwrap(),
                #[cfg(feature = "peers")]
                pool: {
                    let manager = bb8_redis::RedisConnectionManager::new(url).unwrap();
                    bb8_redis::bb8::Pool::builder()
                        .build(manager)
                        .await
                        .unwrap()
                },
            }
        })
    }

    fn compare(&self, name: &'static str, callers: usize, call: Call) {
        let bare = self.bare.clone();
        let group = Group::new(name).callers(BARE, &self.runtime, callers, move || {
            let mut bare = bare.clone();
            async move { ask(call, &mut bare).await }
        });
        let ours = self.ours.clone();
        let group = group.callers(OURS, &self.runtime, callers, move || {
            let ours = ours.clone();
            async move {
                match call {
                    Call::Script => {
                        let one = ours.invoke::<i64>(&NOTHING.keys(["key"])).await;
                        assert_eq!(one, Ok(1));
                    }
                    Call::Get(key) => {
                        let get = Command::new("GET").arg(key);
                        let value: Vec<u8> = ours.query(&get).await.unwrap();
                        assert!(!value.is_empty());
                    }
                }
            }
        });
        // At least 0.95 times as many calls in the same time.
        let group = group.goal(Goal::ratio(1.0 / 0.95, BARE));
        #[cfg(feature = "peers")]
        let group = {
            let pool = self.pool.clone();
            let group = group.goal(Goal::ratio(1.0 / 3.0, POOL));
            group.callers(POOL, &self.runtime, callers, move || {
                let pool = pool.clone();
                async move { ask(call, &mut pool.get().await.unwrap()).await }
            })
        };
        group.run();
    }
}

async fn ask(call: Call, connection: &mut MultiplexedConnection) {
    match call {
        Call::Script => {
            let one: i64 = BARE_NOTHING
                .key("key")
                .invoke_async(connection)
                .await
                .unwrap();
            assert_eq!(one, 1);
        }
        Call::Get(key) => {
            let get = redis::cmd("GET").arg(key).query_async(connection).await;
            let value: Vec<u8> = get.unwrap();
            assert!(!value.is_empty());
        }
    }
}
