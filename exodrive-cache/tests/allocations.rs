//! What a hit costs in allocations, which can be counted where time can only be measured.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use allocation_counter::measure;
use bytes::Bytes;
use exodrive_cache::testing::{assert_hit, settled};
use exodrive_cache::{Cache, CachePolicy, Credentials, MemoryStore};
use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use tokio::runtime::Builder;
use tower::{Layer, Service, ServiceExt, service_fn};

fn answer(_: Request<Empty<Bytes>>) -> Ready<Result<Response<Full<Bytes>>, Infallible>> {
    static BODY: [u8; 16 << 10] = [b'x'; 16 << 10];
    let mut response = Response::new(Full::from(&BODY[..]));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ETAG, HeaderValue::from_static("\"v1\""));
    ready(Ok(response))
}

fn request() -> Request<Empty<Bytes>> {
    let request = Request::get("/cars/7?page=2&utm_source=x").header("host", "cars.example");
    request.body(Empty::new()).unwrap()
}

fn policy() -> CachePolicy {
    CachePolicy::ttl(Duration::from_secs(3600))
        .route("/cars/{id}")
        .query(["page"])
        .headers(["accept-language"])
        .tag("car:{id}")
}

/// Returns how many allocations it takes to answer from memory, but for those of the request itself.
fn of_a_hit(policy: CachePolicy, request: impl Fn() -> Request<Empty<Bytes>>) -> u64 {
    let cache = Cache::builder(MemoryStore::default())
        .policy("car", policy)
        .build()
        .unwrap();
    let mut service = cache.layer("car").unwrap().layer(service_fn(answer));
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let mut get = request();
    *get.method_mut() = Method::GET;
    runtime.block_on(async {
        let filled = service.ready().await.unwrap().call(get).await.unwrap();
        filled.into_body().collect().await.unwrap();
        settled(&cache).await;
    });
    let mut hit = || {
        let request = request();
        let mut context = Context::from_waker(Waker::noop());
        let mut answered = None;
        let counted = measure(|| {
            let call = service.call(request);
            answered = Some(pin!(call).poll(&mut context));
        });
        let Some(Poll::Ready(Ok(response))) = answered else {
            panic!("a hit waits for nothing");
        };
        assert_hit(response.headers());
        counted.count_total
    };
    // The first one may grow what later ones reuse.
    hit();
    hit()
}

/// Two for the parts of the answer's header map, three for those of its extensions.
#[test]
fn a_hit() {
    assert_eq!(of_a_hit(policy(), request), 5);
}

/// As every request has them that comes from a server: what held them holds those of the answer.
#[test]
fn a_hit_of_a_request_with_extensions() {
    let of_a_server = of_a_hit(policy(), || {
        let mut request = request();
        request.extensions_mut().insert("from the server");
        request
    });
    assert_eq!(of_a_server, 3);
}

/// One more, for the name.
#[test]
fn a_hit_of_a_principal() {
    let policy = policy().credentials(Credentials::per_principal(|_| Some("ada".to_owned())));
    assert_eq!(of_a_hit(policy, request), 6);
}

#[test]
fn a_hit_that_the_client_has() {
    let not_modified = of_a_hit(policy(), || {
        let mut request = request();
        let known = HeaderValue::from_static("\"v1\"");
        request.headers_mut().insert(IF_NONE_MATCH, known);
        request
    });
    assert_eq!(not_modified, 5);
}

/// The length is one field more than the header map has room for. The aim is what a hit costs with its body.
#[test]
fn a_hit_without_its_body() {
    let head = of_a_hit(policy(), || {
        let mut request = request();
        *request.method_mut() = Method::HEAD;
        request
    });
    assert_eq!(head, 8);
}
