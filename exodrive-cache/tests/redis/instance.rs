//! Instances of a service: a database, a handler that reads a row of it, and a cache in front.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::{
    Cache, CachePolicy, CacheService, Invalidated, Invalidation, MemoryStore, Percent, RedisStore,
    ResponseBody, ResponseTags, Store, Tag, TieredStore, tag,
};
use exodrive_faults::PATIENCE;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;
use tokio::time::{sleep, timeout};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

type Handler = BoxCloneSyncService<Request<Full<Bytes>>, Response<Full<Bytes>>, Infallible>;

/// The database that all instances share.
#[derive(Clone, Default)]
pub(crate) struct Database(Arc<Table>);

#[derive(Default)]
struct Table {
    rows: Mutex<HashMap<String, Row>>,
    reads: AtomicU64,
}

#[derive(Clone, Copy, Default)]
struct Row {
    version: u64,
    /// The newest version whose invalidation holds everywhere.
    applied: u64,
}

impl Database {
    pub(crate) fn reads(&self) -> u64 {
        self.0.reads.load(Ordering::SeqCst)
    }

    /// Returns the version of a row, which begins with 0.
    pub(crate) fn row(&self, id: &str) -> u64 {
        self.with(id, |row| row.version)
    }

    /// Returns the version that nobody may be behind any longer.
    pub(crate) fn applied(&self, id: &str) -> u64 {
        self.with(id, |row| row.applied)
    }

    /// Changes a row and returns its new version.
    pub(crate) fn write(&self, id: &str) -> u64 {
        self.with(id, |row| {
            row.version += 1;
            row.version
        })
    }

    fn with<T>(&self, id: &str, what: impl FnOnce(&mut Row) -> T) -> T {
        let mut rows = self.0.rows.lock();
        what(rows.entry(id.to_owned()).or_default())
    }
}

/// What a client got.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) version: u64,
    pub(crate) from: String,
}

#[derive(Clone)]
pub(crate) struct Instance<St: Store> {
    pub(crate) cache: Cache<St>,
    pub(crate) database: Database,
    service: CacheService<Handler, St>,
}

impl<St: Store> Instance<St> {
    /// An instance whose handler takes `pause`.
    pub(crate) fn new(store: St, database: &Database, pause: Duration) -> Self {
        Self::with(policy(), store, database, pause)
    }

    pub(crate) fn with(
        policy: CachePolicy,
        store: St,
        database: &Database,
        pause: Duration,
    ) -> Self {
        let cache = Cache::builder(store).policy("row", policy).build().unwrap();
        let table = database.clone();
        let handler = service_fn(move |request: Request<Full<Bytes>>| {
            let table = table.clone();
            async move {
                table.0.reads.fetch_add(1, Ordering::SeqCst);
                let row = table.row(&request.uri().path()["/rows/".len()..]);
                sleep(pause).await;
                let mut response = Response::new(Full::from(row.to_string()));
                // A tag that is known only once there is an answer.
                let tags = ResponseTags::new([tag!("late")]);
                response.extensions_mut().insert(tags);
                Ok(response)
            }
        });
        let service = cache.layer("row").unwrap().layer(Handler::new(handler));
        Self {
            cache,
            database: database.clone(),
            service,
        }
    }

    pub(crate) async fn get(&self, id: &str) -> Got {
        let request = Request::get(format!("/rows/{id}"))
            .body(Full::default())
            .unwrap();
        let answer = timeout(PATIENCE, self.service.clone().oneshot(request)).await;
        let response: Response<ResponseBody<_>> = answer.unwrap().unwrap();
        assert_eq!(response.status(), 200);
        let from = x_cache(response.headers());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let version = std::str::from_utf8(&body).unwrap().parse().unwrap();
        Got { version, from }
    }

    /// Asks until the answer comes from the cache.
    pub(crate) async fn get_hit(&self, id: &str) -> Got {
        let hit = async {
            loop {
                let got = self.get(id).await;
                if got.from == "HIT" {
                    break got;
                }
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, hit).await.unwrap()
    }

    /// Changes a row and invalidates what was made of it.
    pub(crate) async fn change(&self, id: &str) -> Invalidated {
        self.change_by(id, tag!("row:{id}")).await
    }

    /// The same by any tag.
    pub(crate) async fn change_by(&self, id: &str, tag: Tag) -> Invalidated {
        let version = self.database.write(id);
        let invalidated = self.invalidate(tag).await;
        if invalidated == Invalidated::Applied {
            self.database
                .with(id, |row| row.applied = row.applied.max(version));
        }
        invalidated
    }

    pub(crate) async fn invalidate(&self, tag: Tag) -> Invalidated {
        let tags = [tag];
        let invalidated = self.cache.invalidate(&tags, Invalidation::Hard);
        let invalidated = timeout(PATIENCE, invalidated).await.unwrap();
        invalidated.unwrap()
    }
}

pub(crate) fn policy() -> CachePolicy {
    CachePolicy::ttl(Duration::from_secs(3600))
        .jitter(Percent::new(0))
        .route("/rows/{id}")
        .tag("row:{id}")
}

fn x_cache(headers: &HeaderMap) -> String {
    headers["x-cache"].to_str().unwrap().to_owned()
}

/// A store with a memory in front, once that is in use.
pub(crate) async fn tiered(redis: RedisStore) -> TieredStore {
    let store = TieredStore::new(MemoryStore::default(), redis);
    until(|| store.memory_is_in_use()).await;
    store
}

pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    let holds = async {
        while !condition() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, holds).await.unwrap();
}
