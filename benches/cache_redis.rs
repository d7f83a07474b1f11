//! `exodrive-cache` in Redis: hits beside a bare `GET` of the same bytes, and beside another cache over Redis; and what it
//! takes to read an entry.
//!
//! A hit is measured twice: as a lookup in the store, which is all there is to wait for, and through the layer.

use std::convert::Infallible;
use std::future::Ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use exodrive_benches::{Goal, Group};
use exodrive_cache::{Cache, CachePolicy, CacheService, Entry, RedisStore, Store};
use exodrive_redis::RedisClient;
use http::header::HOST;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use redis::aio::MultiplexedConnection;
use redis_test::server::RedisServer;
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::cache::{HOUR, KIB, TOWER_HTTP_CACHE, answer};

const BARE: &str = "GET on one connection";
const STORE: &str = "exodrive-cache, a lookup in the store";
const LAYER: &str = "exodrive-cache, through the layer";
const CLONE: &str = "a clone of the bytes";
const SHORT: &str = "1 KiB";

/// At least 0.9 times as many hits in the same time.
const MOST: f64 = 1.0 / 0.9;

type Answer = Ready<Result<Response<Full<Bytes>>, Infallible>>;

pub(crate) fn run() {
    let server = RedisServer::new();
    let bench = Bench::new(&format!("redis://{}", server.client_addr()));
    let [short, long] = [KIB, 16 * KIB].map(|length| bench.fill(length));
    bench.compare("a hit of 1 KiB in Redis, 64 callers", 64, &short);
    bench.compare("a hit of 1 KiB in Redis, 256 callers", 256, &short);
    bench.compare("a hit of 16 KiB in Redis, 64 callers", 64, &long);
    bench.compare("a hit of 16 KiB in Redis, 256 callers", 256, &long);
    decoding(&short, &long);
}

/// One server, and one runtime for everything that talks to it.
struct Bench {
    runtime: Arc<Runtime>,
    ours: RedisClient,
    bare: MultiplexedConnection,
    #[cfg(feature = "peers")]
    manager: redis::aio::ConnectionManager,
}

/// An answer that is stored.
struct Stored {
    length: usize,
    cache: Cache<RedisStore>,
    /// What the server holds for it.
    bytes: Bytes,
    /// The part of that which is an entry.
    entry: Bytes,
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
                #[cfg(feature = "peers")]
                manager: client.get_connection_manager().await.unwrap(),
            }
        })
    }

    /// Has an answer of this length stored, and its bytes again where a bare `GET` finds them.
    fn fill(&self, length: usize) -> Stored {
        let namespace = format!("{length}");
        let store = RedisStore::new(self.ours.clone()).namespace(&namespace);
        let policy = CachePolicy::ttl(HOUR).route("/cars/{id}").tag("car:{id}");
        let cache = Cache::builder(store).policy("car", policy).build().unwrap();
        let mut bare = self.bare.clone();
        self.runtime.block_on(async move {
            let inner = service_fn(move |_: Request<Empty<Bytes>>| answer(length));
            ask(layered(&cache, inner)).await;
            // The answer may be there before it is stored.
            let (bytes, begin) = loop {
                if let Some(found) = held(&mut bare, &namespace).await {
                    break found;
                }
                tokio::task::yield_now().await;
            };
            let mut set = redis::cmd("SET");
            let () = set
                .arg(bare_key(length))
                .arg(&bytes[..])
                .query_async(&mut bare)
                .await
                .unwrap();
            Stored {
                length,
                cache,
                entry: bytes.slice(begin..),
                bytes,
            }
        })
    }

    fn compare(&self, name: &'static str, callers: usize, stored: &Stored) {
        let (bare, length, expected) = (self.bare.clone(), stored.length, stored.bytes.len());
        let group = Group::new(name).callers(BARE, &self.runtime, callers, move || {
            let mut bare = bare.clone();
            async move {
                let mut get = redis::cmd("GET");
                let get = get.arg(bare_key(length)).query_async(&mut bare);
                let value: Vec<u8> = get.await.unwrap();
                assert_eq!(value.len(), expected);
            }
        });
        let store = stored.cache.store().clone();
        let entry = Arc::new(Entry::decode(&stored.entry).unwrap());
        let group = group
            .callers(STORE, &self.runtime, callers, move || {
                let (store, entry) = (store.clone(), Arc::clone(&entry));
                async move {
                    let found = store.lookup(entry.key(), entry.tags()).await;
                    assert!(!found.unwrap().unwrap().outdated);
                }
            })
            .goal(Goal::ratio(MOST, BARE));
        #[cfg(feature = "peers")]
        let group = {
            let other = peers::service(self, length);
            group.callers(TOWER_HTTP_CACHE, &self.runtime, callers, move || {
                hit(other.clone(), length)
            })
        };
        let ours = layered(&stored.cache, service_fn(nobody));
        group
            .callers(LAYER, &self.runtime, callers, move || {
                hit(ours.clone(), length)
            })
            .goal(Goal::ratio(MOST, BARE))
            .goal(Goal::ratio(1.0, TOWER_HTTP_CACHE))
            .run();
    }
}

fn decoding(short: &Stored, long: &Stored) {
    let [bytes, short, long] = [&short.entry, &short.entry, &long.entry].map(Bytes::clone);
    Group::new("reading an entry")
        .case(CLONE, move || bytes.clone())
        .case(SHORT, move || Entry::decode(&short).unwrap())
        .goal(Goal::added(Duration::from_nanos(700), CLONE))
        .case("16 KiB", move || Entry::decode(&long).unwrap())
        .goal(Goal::ratio(1.3, SHORT))
        .run();
}

fn layered<S>(cache: &Cache<RedisStore>, inner: S) -> CacheService<S, RedisStore> {
    cache.layer("car").unwrap().layer(inner)
}

/// Would be asked if an answer was not in the cache.
fn nobody(_: Request<Empty<Bytes>>) -> Answer {
    unreachable!("every request is a hit")
}

/// Asks for what must be stored, and is so long.
async fn hit<S, B>(service: S, length: usize)
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error: std::fmt::Debug>,
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    assert_eq!(ask(service).await, length);
}

/// Asks and returns how long the answer is.
async fn ask<S, B>(service: S) -> usize
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error: std::fmt::Debug>,
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let mut request = Request::get("/cars/7").body(Empty::new()).unwrap();
    let host = HeaderValue::from_static("cars.example");
    request.headers_mut().insert(HOST, host);
    let response = service.oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap();
    body.to_bytes().len()
}

fn bare_key(length: usize) -> String {
    format!("bare:{length}")
}

/// Looks for a stored answer below a namespace, and for where the entry begins in it.
async fn held(bare: &mut MultiplexedConnection, namespace: &str) -> Option<(Bytes, usize)> {
    let mut keys = redis::cmd("KEYS");
    let keys = keys.arg(format!("{namespace}*"));
    let keys: Vec<String> = keys.query_async(bare).await.unwrap();
    for key in keys {
        let mut values = redis::cmd("HVALS");
        // Not every key is a hash.
        let values: Result<Vec<Bytes>, _> = values.arg(key).query_async(bare).await;
        for value in values.unwrap_or_default() {
            let begin = value.windows(3).position(|bytes| bytes == b"XDC");
            if let Some(begin) = begin {
                return Some((value, begin));
            }
        }
    }
    None
}

#[cfg(feature = "peers")]
mod peers {
    //! The other cache, as its documentation sets it up.

    use tower_http_cache::backend::redis::RedisBackend;
    use tower_http_cache::prelude::CacheLayer;

    use super::*;

    /// A service whose answer is in Redis already.
    pub(super) fn service(
        bench: &Bench,
        length: usize,
    ) -> impl Service<
        Request<Empty<Bytes>>,
        Response = Response<
            impl http_body::Body<Data = Bytes, Error: std::fmt::Debug> + Send + use<>,
        >,
        Error: std::fmt::Debug,
        Future: Send,
    >
    + Clone
    + Send
    + Sync
    + 'static
    + use<> {
        let backend = RedisBackend::new(bench.manager.clone());
        let backend = backend.with_namespace(format!("peer:{length}"));
        let layer = CacheLayer::builder(backend).ttl(HOUR).build();
        let inner = service_fn(move |_: Request<Empty<Bytes>>| answer(length));
        bench.runtime.block_on(ask(layer.layer(inner)));
        layer.layer(service_fn(nobody))
    }
}
