//! Forwarding headers of any bytes: they never make a limiter fail, and without a trusted proxy they change nothing.
#![no_main]

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use exodrive_ratelimit::{
    ClientIp, Decision, Limit, MINUTE, MemoryStore, Peer, RateLimitLayer, RateLimiter,
};
use http::{HeaderValue, Request, Response};
use libfuzzer_sys::fuzz_target;
use tower::{Layer, Service, service_fn};

const NAMES: [&str; 2] = ["x-forwarded-for", "forwarded"];

type Limiter = RateLimiter<MemoryStore>;

fn limiter(client_ip: ClientIp) -> Limiter {
    RateLimiter::builder(MemoryStore::default())
        .client_ip(client_ip)
        .limit(Limit::sliding_window("public", 1, MINUTE).by_ip().cost(0))
        .limit(Limit::sliding_window("address", u32::MAX, MINUTE).by_ip())
        .build()
        .unwrap()
}

/// Limiters that trust the peer, by each of the headers, and one that does not.
static TRUSTING: LazyLock<[Limiter; 2]> = LazyLock::new(|| {
    let proxies = || ClientIp::trusted_proxies(["192.0.2.0/24".parse().unwrap()]);
    [limiter(proxies()), limiter(proxies().forwarded())]
});
static WARY: LazyLock<[Limiter; 2]> = LazyLock::new(|| {
    let proxies = || ClientIp::trusted_proxies(["198.51.100.0/24".parse().unwrap()]);
    [limiter(proxies()), limiter(proxies().forwarded())]
});

/// What is left to whoever the request is taken to be from.
fn left(limiter: &Limiter, name: &'static str, lines: &[HeaderValue]) -> u32 {
    fn serve(_: Request<()>) -> Ready<Result<Response<()>, Infallible>> {
        ready(Ok(Response::new(())))
    }
    let mut request = Request::new(());
    request
        .extensions_mut()
        .insert(Peer(([192, 0, 2, 1], 4711).into()));
    for line in lines {
        request.headers_mut().append(name, line.clone());
    }
    let mut service = RateLimitLayer::new(limiter.clone()).layer(service_fn(serve));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(response)) = pin!(service.call(request)).poll(&mut context) else {
        panic!("the store in memory answers at once");
    };
    let decision: &Decision = response.extensions().get().unwrap();
    decision.limits()[1].remaining()
}

fuzz_target!(|data: &[u8]| {
    let lines: Vec<_> = data
        .split(|byte| *byte == b'\n')
        .filter_map(|line| HeaderValue::from_bytes(line).ok())
        .collect();
    for (place, name) in NAMES.into_iter().enumerate() {
        left(&TRUSTING[place], name, &lines);
        // Each request costs the peer one, whoever it says it comes from; time gives back whole segments.
        let before = left(&WARY[place], name, &[]);
        let after = left(&WARY[place], name, &lines);
        assert!(after == before - 1 || after > before, "{before} {after}");
    }
});
