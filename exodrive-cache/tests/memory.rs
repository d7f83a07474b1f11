//! What the cache takes of the process's memory, measured from outside: alone in its process.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::convert::Infallible;
use std::fs;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::testing::settled;
use exodrive_cache::{Cache, CachePolicy, CacheService, MemoryStore};
use http::header::{CACHE_CONTROL, ETAG};
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use tokio::runtime::Builder;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

const MIB: u64 = 1 << 20;
const CAP: u64 = 64 * MIB;
/// Enough to fill the cap many times over; without optimisation, a few times.
const KEYS: u64 = if cfg!(debug_assertions) {
    200_000
} else {
    5_000_000
};
/// What the allocator and the maps' spare room may add to the bytes that are counted.
const FACTOR: f64 = 1.5;

type Handler = BoxCloneSyncService<Request<Empty<Bytes>>, Response<Frames>, Infallible>;

/// A body that gives the same frame again and again.
struct Frames {
    frame: Bytes,
    left: usize,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(self.frame.clone()))))
    }
}

fn policy() -> CachePolicy {
    CachePolicy::ttl(Duration::from_secs(3600))
}

struct Route {
    cache: Cache<MemoryStore>,
    service: CacheService<Handler, MemoryStore>,
}

impl Route {
    fn new(
        policy: CachePolicy,
        answer: impl Fn() -> Response<Frames> + Clone + Send + Sync + 'static,
    ) -> Self {
        let cache = Cache::builder(MemoryStore::with_capacity(CAP))
            .policy("page", policy)
            .build()
            .unwrap();
        let handler = service_fn(move |_| {
            let answer = answer();
            async move { Ok(answer) }
        });
        let handler = BoxCloneSyncService::new(handler);
        Self {
            service: cache.layer("page").unwrap().layer(handler),
            cache,
        }
    }

    /// Asks for a page and returns the length of its body.
    async fn ask(&self, page: u64) -> u64 {
        let request = Request::get(format!("/pages/{page}"));
        let request = request.body(Empty::new()).unwrap();
        let response = self.service.clone().oneshot(request).await.unwrap();
        let mut body = response.into_body();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            length += frame.unwrap().into_data().unwrap().len() as u64;
        }
        length
    }
}

/// Returns how many bytes of this process are in memory (`man 5 proc_pid_statm`).
fn resident() -> u64 {
    const PAGE: u64 = 4096;
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * PAGE
}

#[track_caller]
fn assert_grown_at_most(most: f64, before: u64) {
    let grown = resident().saturating_sub(before);
    assert!(
        grown as f64 <= most,
        "{} MiB more, and at most {} MiB were expected",
        grown / MIB,
        most as u64 / MIB
    );
}

/// One after the other, since each measures the whole process.
#[test]
fn memory_is_bounded() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        an_endless_body_is_passed_on_and_not_kept().await;
        no_buffer_is_kept_for_the_little_that_was_cut_from_it().await;
        any_number_of_keys_stays_within_the_cap().await;
    });
}

/// 4 GiB through a cap of 1 MiB.
async fn an_endless_body_is_passed_on_and_not_kept() {
    let frame = Bytes::from(vec![b'x'; 64 << 10]);
    let route = Route::new(policy(), move || {
        Response::new(Frames {
            frame: frame.clone(),
            left: 65_536,
        })
    });
    let before = resident();
    assert_eq!(route.ask(0).await, 4096 * MIB);
    settled(&route.cache).await;
    assert_eq!(route.cache.store().weight(), 0);
    assert_grown_at_most(4.0 * MIB as f64, before);
}

/// Ten bytes each of ten thousand buffers of 64 KiB: 640 MiB if the buffers were kept.
async fn no_buffer_is_kept_for_the_little_that_was_cut_from_it() {
    let policy = CachePolicy::rfc9111();
    let route = Route::new(policy, || {
        let read = Bytes::from(vec![b'x'; 64 << 10]);
        let mut response = Response::new(Frames {
            frame: read.slice(..10),
            left: 1,
        });
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
        let value = HeaderValue::from_maybe_shared(read.slice(10..20)).unwrap();
        headers.insert(ETAG, value);
        response
    });
    let before = resident();
    for page in 0..10_000 {
        route.ask(page).await;
    }
    settled(&route.cache).await;
    assert!(route.cache.store().weight() > 10_000 * 10);
    assert_grown_at_most(
        FACTOR * route.cache.store().weight() as f64 + 4.0 * MIB as f64,
        before,
    );
}

async fn any_number_of_keys_stays_within_the_cap() {
    let route = Route::new(policy(), || {
        Response::new(Frames {
            frame: Bytes::from_static(b"0123456789"),
            left: 1,
        })
    });
    let before = resident();
    for page in 0..KEYS {
        route.ask(page).await;
        if page % (KEYS / 50) == 0 {
            assert!(route.cache.store().weight() <= CAP);
            assert_grown_at_most(FACTOR * CAP as f64, before);
        }
    }
    // A cap under which nothing is kept would prove nothing.
    assert!(route.cache.store().weight() > CAP / 2);
}
