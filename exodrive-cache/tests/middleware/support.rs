//! A cached handler that counts its calls and can be held at a gate.

use std::fmt;
use std::ops::RangeBounds;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::{
    Cache, CacheBuilder, CacheDecision, CachePolicy, CacheService, Event, MemoryStore, Outcome,
    Percent, ResponseBody, Store, tag,
};
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

/// Longer than anything that is awaited takes.
const MOMENT: Duration = Duration::from_secs(30);

pub(crate) type Body = BoxBody<Bytes, Failure>;
pub(crate) type Handler = BoxCloneSyncService<Request<Empty<Bytes>>, Response<Body>, Failure>;

/// What goes wrong in a handler.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) &'static str);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Failure {}

pub(crate) struct CarUpdated(pub(crate) u32);

impl Event for CarUpdated {
    const NAME: &'static str = "car.updated";
}

/// A cached route, and what its handler has seen.
pub(crate) struct Fixture<St: Store = MemoryStore> {
    pub(crate) cache: Cache<St>,
    pub(crate) service: CacheService<Handler, St>,
    pub(crate) calls: Arc<AtomicUsize>,
}

pub(crate) fn policy() -> CachePolicy {
    CachePolicy::ttl(Duration::from_secs(60))
        .jitter(Percent::new(0))
        .route("/cars/{id}")
        .query(["page"])
        .headers(["accept-language"])
        .tag("car:{id}")
        .max_body(1000)
}

pub(crate) fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into())
        .map_err(|never| match never {})
        .boxed()
}

/// The number of a call as the answer to it.
pub(crate) fn numbered(call: usize) -> Result<Response<Body>, Failure> {
    Ok(ok(call.to_string()))
}

pub(crate) fn ok(body: impl Into<Bytes>) -> Response<Body> {
    Response::new(full(body))
}

pub(crate) fn get(uri: &str) -> Request<Empty<Bytes>> {
    Request::get(uri).body(Empty::new()).unwrap()
}

/// Holds handlers until the test lets them go on, one by one, and tells the test when one waits.
#[derive(Clone)]
pub(crate) struct Gate {
    arrived: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn closed() -> Self {
        Self {
            arrived: Arc::new(Semaphore::new(0)),
            open: Arc::new(Semaphore::new(0)),
        }
    }

    pub(crate) async fn pass(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    /// Waits for a call at the gate. A call that never comes is a failed test, not one that hangs.
    pub(crate) async fn arrival(&self) {
        let arrival = timeout(MOMENT, self.arrived.acquire()).await;
        let arrival = arrival.expect("a call comes to the gate");
        arrival.unwrap().forget();
    }

    pub(crate) fn let_one_pass(&self) {
        self.open.add_permits(1);
    }
}

impl Fixture {
    pub(crate) fn new<F>(
        policy: CachePolicy,
        handler: impl Fn(Request<Empty<Bytes>>, usize) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Response<Body>, Failure>> + Send + 'static,
    {
        Self::on(Cache::builder(MemoryStore::default()), policy, handler)
    }

    /// A handler whose calls with these numbers wait at a gate before they answer.
    pub(crate) fn gated(
        policy: CachePolicy,
        held: impl RangeBounds<usize> + Send + Sync + 'static,
        answer: impl Fn(usize) -> Result<Response<Body>, Failure> + Send + Sync + 'static,
    ) -> (Self, Gate) {
        let gate = Gate::closed();
        let parts = Arc::new((held, answer, gate.clone()));
        let fixture = Self::new(policy, move |_, call| {
            let parts = parts.clone();
            async move {
                let (held, answer, gate) = &*parts;
                if held.contains(&call) {
                    gate.pass().await;
                }
                answer(call)
            }
        });
        (fixture, gate)
    }

    /// A handler that answers with the number of its call.
    pub(crate) fn counting() -> Self {
        Self::new(policy(), async |_, call| Ok(ok(call.to_string())))
    }
}

impl<St: Store> Fixture<St> {
    pub(crate) fn on<F>(
        cache: CacheBuilder<St>,
        policy: CachePolicy,
        handler: impl Fn(Request<Empty<Bytes>>, usize) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Response<Body>, Failure>> + Send + 'static,
    {
        let cache = cache
            .policy("car", policy)
            .on(|event: &CarUpdated| [tag!("car:{}", event.0)])
            .build()
            .unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = calls.clone();
        let handler = BoxCloneSyncService::new(service_fn(move |request| {
            handler(request, counter.fetch_add(1, Ordering::SeqCst) + 1)
        }));
        Self {
            service: cache.layer("car").unwrap().layer(handler),
            cache,
            calls,
        }
    }

    pub(crate) async fn send(
        &self,
        request: Request<Empty<Bytes>>,
    ) -> Response<ResponseBody<Body>> {
        self.service.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request and returns `X-Cache` and the body, once what it caused is stored.
    pub(crate) async fn ask(&self, request: Request<Empty<Bytes>>) -> (String, String) {
        let response = self.send(request).await;
        let state = response.headers()["x-cache"].to_str().unwrap().to_owned();
        let body = text(response).await;
        settled().await;
        (state, body)
    }

    pub(crate) async fn ask_for(&self, uri: &str) -> (String, String) {
        self.ask(get(uri)).await
    }

    /// Asks on a task of its own.
    pub(crate) fn asking_for(&self, uri: &'static str) -> JoinHandle<(String, String)> {
        let fixture = self.clone();
        tokio::spawn(async move { fixture.ask_for(uri).await })
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl<St: Store> Clone for Fixture<St> {
    fn clone(&self) -> Self {
        Self {
            cache: self.cache.clone(),
            service: self.service.clone(),
            calls: self.calls.clone(),
        }
    }
}

pub(crate) fn outcome<B>(response: &Response<B>) -> Outcome {
    response
        .extensions()
        .get::<CacheDecision>()
        .unwrap()
        .outcome()
}

pub(crate) async fn text(response: Response<ResponseBody<Body>>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.into()).unwrap()
}

/// Lets every task that can run do so. Tests run on one thread, so one turn of each is enough for a
/// fill whose body is there.
pub(crate) async fn settled() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn seen(state: &str, body: &str) -> (String, String) {
    (state.to_owned(), body.to_owned())
}
