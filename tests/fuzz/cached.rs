//! A cached route that fuzz targets ask, and what they take of header fields independently of the cache.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::testing::settled;
use exodrive_cache::{Cache, CachePolicy, CacheService, MemoryStore};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use tokio::runtime::{Builder, Runtime};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

type Handler = BoxCloneSyncService<Request<Empty<Bytes>>, Response<Full<Bytes>>, Infallible>;

/// The header that the handler is to answer with, in the extensions of a request.
#[derive(Clone, Debug, Default)]
pub struct Answer(pub HeaderMap);

/// A cached route on a runtime of its own.
#[derive(Debug)]
pub struct Route {
    runtime: Runtime,
    cache: Cache<MemoryStore>,
    service: CacheService<Handler, MemoryStore>,
}

/// What a client was told.
#[derive(Debug)]
pub struct Told {
    /// `X-Cache`.
    pub state: String,
    /// What the handler saw of the request that was answered.
    pub body: Bytes,
}

impl Route {
    /// A route whose handler repeats target and header.
    pub fn new(policy: CachePolicy) -> Self {
        let cache = Cache::builder(MemoryStore::with_capacity(1 << 20))
            .policy("route", policy)
            .build()
            .expect("the policy is sound");
        let handler = service_fn(async |request: Request<Empty<Bytes>>| {
            let seen = format!("{} {:?}", request.uri(), request.headers());
            let mut response = Response::new(Full::from(seen));
            if let Some(Answer(headers)) = request.extensions().get() {
                *response.headers_mut() = headers.clone();
            }
            Ok(response)
        });
        let layer = cache.layer("route").expect("the policy is there");
        Self {
            service: layer.layer(BoxCloneSyncService::new(handler)),
            cache,
            runtime: Builder::new_current_thread()
                .enable_time()
                .build()
                .expect("a runtime of one thread needs next to nothing"),
        }
    }

    /// Asks, and waits until what is stored is stored.
    pub fn ask(&self, request: Request<Empty<Bytes>>) -> Told {
        self.runtime.block_on(async {
            let Ok(response) = self.service.clone().oneshot(request).await;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.expect("the body is whole").to_bytes();
            settled(&self.cache).await;
            let state = parts.headers["x-cache"].to_str().expect("a word");
            Told {
                state: state.to_owned(),
                body,
            }
        })
    }
}

/// A minute, without jitter that could end it early.
pub fn policy() -> CachePolicy {
    CachePolicy::ttl(Duration::from_secs(60))
}

/// Splits a list at the commas that are not in quoted strings, or returns `None` if a quoted string does not end
/// (RFC 9110, section 5.6).
pub fn members(list: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut members, mut start, mut at) = (Vec::new(), 0, 0);
    while at < list.len() {
        match list[at] {
            b'"' => {
                at += 1;
                loop {
                    match list.get(at)? {
                        b'"' => break,
                        b'\\' => at += 2,
                        _ => at += 1,
                    }
                }
            }
            b',' => {
                members.push(list[start..at].trim_ascii());
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    members.push(list[start..].trim_ascii());
    Some(members)
}
