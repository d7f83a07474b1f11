//! `exodrive-cache`: a hit through the layer beside a bare service that clones a prebuilt answer.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark of what fails measures nothing"
)]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::time::Duration;

use bytes::Bytes;
use exodrive_benches::{Goal, Group};
use exodrive_cache::{Cache, CachePolicy, MemoryStore};
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use tokio::runtime;
use tower::{Layer, ServiceExt, service_fn};

const BARE: &str = "bare service";
const OURS: &str = "exodrive-cache, hit in memory";

fn main() {
    hit("a hit of 1 KiB", 1 << 10);
    hit("a hit of 16 KiB", 16 << 10);
}

fn hit(name: &'static str, length: usize) {
    let bare = service_fn(move |_: Request<Empty<Bytes>>| answer(length));
    let cache = Cache::builder(MemoryStore::default())
        .policy(
            "car",
            CachePolicy::ttl(Duration::from_secs(3600)).route("/cars/{id}"),
        )
        .build()
        .unwrap();
    let cached = cache.layer("car").unwrap().layer(bare);
    let fill = async {
        let response = cached.clone().oneshot(request()).await.unwrap();
        response.into_body().collect().await.unwrap();
        while cached.clone().oneshot(request()).await.unwrap().headers()["x-cache"] != "HIT" {
            tokio::task::yield_now().await;
        }
    };
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(fill);
    Group::new(name)
        .future(BARE, move || async move {
            let response = bare.oneshot(request()).await.unwrap();
            response.into_body().collect().await.unwrap().to_bytes()
        })
        .future(OURS, move || {
            let cached = cached.clone();
            async move {
                let response = cached.oneshot(request()).await.unwrap();
                response.into_body().collect().await.unwrap().to_bytes()
            }
        })
        .goal(Goal::ratio(1.5, BARE))
        .run();
}

fn request() -> Request<Empty<Bytes>> {
    let request = Request::get("/cars/7").header("host", "cars.example");
    request.body(Empty::new()).unwrap()
}

/// Six header fields, as a real answer has them.
fn answer(length: usize) -> Ready<Result<Response<Full<Bytes>>, Infallible>> {
    static BODY: [u8; 16 << 10] = [b'x'; 16 << 10];
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
