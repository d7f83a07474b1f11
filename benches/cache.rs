//! `exodrive-cache`: hits through the layer beside a bare service that clones a prebuilt answer, and beside other caches.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use exodrive_benches::{Goal, Group};
use exodrive_cache::{Cache, CachePolicy, CacheService, MemoryStore};
use http::header::HOST;
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service, ServiceExt, service_fn};

/// One of the peers takes the bodies of axum only.
#[cfg(feature = "peers")]
type Body = axum::body::Body;
#[cfg(not(feature = "peers"))]
type Body = http_body_util::Empty<Bytes>;

const BARE: &str = "bare service";
const OURS: &str = "exodrive-cache";
pub(crate) const TOWER_HTTP_CACHE: &str = "tower-http-cache";
const AXUM_RESPONSE_CACHE: &str = "axum-response-cache";

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const KIB: usize = 1 << 10;
const MANY: usize = 100_000;
/// How many requests are drawn before they repeat.
const DRAWN: usize = 1 << 16;

pub(crate) fn run() {
    Load::of(1, KIB).compare("a hit of 1 KiB, one key");
    Load::of(1, 16 * KIB).compare("a hit of 16 KiB, one key");
    Load::of(MANY, KIB).compare("a hit of 1 KiB, 100,000 keys");
    Load::of(1, KIB)
        .by_two()
        .compare("a hit of 1 KiB, one key, two threads");
    Load::of(MANY, KIB)
        .by_two()
        .compare("a hit of 1 KiB, 100,000 keys, two threads");
}

/// Which keys are asked for, by how many, and how long the answers are.
#[derive(Clone)]
struct Load {
    keys: usize,
    length: usize,
    targets: Arc<[Uri]>,
    next: Arc<AtomicUsize>,
    /// Where several callers call at once.
    threads: Option<Arc<Runtime>>,
}

impl Load {
    /// Asks for the most popular keys most often: by Zipf's law, the n-th is asked for 1/n as often as the first.
    fn of(keys: usize, length: usize) -> Self {
        let mut weights: Vec<f64> = (1..=keys).map(|rank| 1.0 / rank as f64).collect();
        let mut sum = 0.0;
        for weight in &mut weights {
            sum += *weight;
            *weight = sum;
        }
        // Spread evenly over what may be drawn, and taken in an order that jumps about.
        let drawn = (0..DRAWN).map(|n| {
            let place = (n * 40_503 % DRAWN) as f64 + 0.5;
            weights.partition_point(|weight| *weight < place / DRAWN as f64 * sum)
        });
        Self {
            keys,
            length,
            targets: drawn.map(target).collect(),
            next: Arc::default(),
            threads: None,
        }
    }

    fn by_two(mut self) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        self.threads = Some(Arc::new(runtime.unwrap()));
        self
    }

    fn compare(&self, name: &'static str) {
        let length = self.length;
        let bare = service_fn(move |_: Request<Body>| answer(length));
        let group = self.case(Group::new(name), BARE, bare);
        #[cfg(feature = "peers")]
        let group = peers::cases(self, group, bare);
        let group = self.case(group, OURS, ours(bare));
        let group = if self.keys == 1 {
            group.goal(Goal::ratio(1.5, BARE))
        } else {
            group.goal(Goal::ratio(1.0, AXUM_RESPONSE_CACHE))
        };
        group.goal(Goal::ratio(1.0 / 6.0, TOWER_HTTP_CACHE)).run();
    }

    /// Fills a service and adds it to the group.
    fn case<S, B>(&self, group: Group, name: &'static str, service: S) -> Group
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Debug,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Debug,
    {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // A second time, since an answer may be there before it is stored.
            for _ in 0..2 {
                for key in 0..self.keys {
                    ask(service.clone(), target(key)).await;
                    tokio::task::yield_now().await;
                }
            }
        });
        let load = self.clone();
        let call = move || ask(service.clone(), load.next());
        match &self.threads {
            Some(runtime) => {
                let call = move || {
                    let call = call();
                    async move {
                        call.await;
                    }
                };
                group.callers(name, runtime, 2, call)
            }
            None => group.future(name, call),
        }
    }

    fn next(&self) -> Uri {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        self.targets[n % DRAWN].clone()
    }
}

/// Asks and returns how long the answer is.
async fn ask<S, B>(service: S, target: Uri) -> usize
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Debug,
    B: http_body::Body<Data = Bytes>,
    B::Error: Debug,
{
    let mut request = Request::new(Body::default());
    *request.uri_mut() = target;
    let host = HeaderValue::from_static("cars.example");
    request.headers_mut().insert(HOST, host);
    let response = service.oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap();
    body.to_bytes().len()
}

fn ours<S>(inner: S) -> CacheService<S, MemoryStore> {
    let policy = CachePolicy::ttl(HOUR).route("/cars/{id}");
    let cache = Cache::builder(MemoryStore::with_capacity(512 << 20))
        .policy("car", policy)
        .build()
        .unwrap();
    cache.layer("car").unwrap().layer(inner)
}

fn target(key: usize) -> Uri {
    format!("/cars/{key}").parse().unwrap()
}

/// Six header fields, as a real answer has them.
pub(crate) fn answer(length: usize) -> Ready<Result<Response<Full<Bytes>>, Infallible>> {
    static BODY: [u8; 16 * KIB] = [b'x'; 16 * KIB];
    let mut response = Response::new(Full::from(&BODY[..length]));
    for (name, value) in [
        ("content-type", "application/json"),
        ("content-language", "en"),
        ("etag", "\"v1\""),
        ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("link", "</cars>; rel=\"collection\""),
        ("x-content-type-options", "nosniff"),
    ] {
        let name = HeaderName::from_static(name);
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    ready(Ok(response))
}

#[cfg(feature = "peers")]
mod peers {
    //! Other caches, as their documentation sets them up.

    use axum_response_cache::CacheLayer as AxumResponseCache;
    use tower_http_cache::prelude::{CacheLayer as TowerHttpCache, InMemoryBackend};

    use super::*;

    pub(crate) fn cases<S>(load: &Load, group: Group, bare: S) -> Group
    where
        S: Service<Request<Body>, Response = Response<Full<Bytes>>, Error = Infallible>
            + Copy
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        let backend = InMemoryBackend::new(2 * MANY as u64);
        let layer = TowerHttpCache::builder(backend).ttl(HOUR).build();
        let group = load.case(group, TOWER_HTTP_CACHE, layer.layer(bare));
        let layer = AxumResponseCache::with_lifespan(HOUR);
        let bare = bare.map_response(|response| response.map(Body::new));
        load.case(group, AXUM_RESPONSE_CACHE, layer.layer(bare))
    }
}
