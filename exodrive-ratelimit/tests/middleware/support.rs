//! Limiters, requests and a service to be limited.

use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;

use exodrive_ratelimit::{
    Limit, MINUTE, MemoryStore, Peer, RateLimitLayer, RateLimiter, Store, Subject,
};
use http::{HeaderMap, Request, Response};
use tower::{Layer, ServiceExt, service_fn};

pub(crate) type Body = &'static str;
pub(crate) type Limiter = RateLimiter<Arc<MemoryStore>>;

/// Who is signed in, as the authentication of these tests leaves it in the request.
#[derive(Clone, Copy)]
pub(crate) struct User(pub(crate) &'static str);

pub(crate) fn limiter(limits: impl IntoIterator<Item = Limit>) -> Limiter {
    limiter_on(Arc::new(MemoryStore::default()), limits)
}

pub(crate) fn limiter_on<St: Store>(
    store: St,
    limits: impl IntoIterator<Item = Limit>,
) -> RateLimiter<St> {
    let builder = RateLimiter::builder(store).identify(|request| {
        let User(id) = request.extensions.get()?;
        Some(Subject::user(id))
    });
    limits
        .into_iter()
        .fold(builder, |builder, limit| builder.limit(limit))
        .build()
        .unwrap()
}

pub(crate) fn public(max: u32) -> Limit {
    Limit::sliding_window("public", max, MINUTE).by_ip()
}

pub(crate) fn request(path: &'static str) -> Request<Body> {
    let peer: SocketAddr = "192.0.2.1:9".parse().unwrap();
    let request = Request::builder().uri(path).extension(Peer(peer));
    request.body("ask").unwrap()
}

pub(crate) fn request_of(user: &'static str) -> Request<Body> {
    let mut request = request("/");
    request.extensions_mut().insert(User(user));
    request
}

pub(crate) type Served = Ready<Result<Response<Body>, String>>;

pub(crate) fn serve(_: Request<Body>) -> Served {
    ready(Ok(Response::new("served")))
}

pub(crate) async fn send<St: Store>(
    limiter: &RateLimiter<St>,
    request: Request<Body>,
) -> Response<Body> {
    let service = RateLimitLayer::new(limiter.clone()).layer(service_fn(serve));
    service.oneshot(request).await.unwrap()
}

pub(crate) async fn status<St: Store>(limiter: &RateLimiter<St>, request: Request<Body>) -> u16 {
    send(limiter, request).await.status().as_u16()
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}
