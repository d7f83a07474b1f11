//! What a check costs in allocations, which can be counted where time can only be measured.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Waker};

use allocation_counter::measure;
use exodrive_ratelimit::{
    HeaderStyle, Limit, MINUTE, MemoryStore, Peer, Quota, RateLimitLayer, RateLimiter, Subject,
};
use http::{Request, Response};
use tower::{Layer, Service, service_fn};

/// How many allocations it takes to poll a future to its end, which must not wait for anything.
fn allocations(work: impl Future) -> u64 {
    let mut work = pin!(work);
    let mut poll = || work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let counted = measure(|| assert!(poll().is_ready()));
    counted.count_total
}

#[test]
fn checking_a_known_subject_allocates_nothing() {
    let limiter = RateLimiter::builder(MemoryStore::default())
        .limit(Limit::sliding_window("window", 1_000, MINUTE).by_subject())
        .limit(Limit::gcra("rate", Quota::per_minute(1_000)).by_subject())
        .build()
        .unwrap();
    let subject = Subject::user("ada");
    let first = allocations(limiter.check(subject.clone(), 1));
    assert_ne!(first, 0, "the cells are new");
    assert_eq!(allocations(limiter.check(subject, 1)), 0);
}

fn serve(_: Request<()>) -> Ready<Result<Response<()>, String>> {
    ready(Ok(Response::new(())))
}

fn request() -> Request<()> {
    let peer = Peer(([192, 0, 2, 1], 4711).into());
    Request::builder().extension(peer).body(()).unwrap()
}

/// How many allocations the layer adds to a request of a known client.
fn added_by_the_layer(style: HeaderStyle, max: u32) -> u64 {
    let limiter = RateLimiter::builder(MemoryStore::default())
        .limit(Limit::sliding_window("public", max, MINUTE).by_ip())
        .headers(style)
        .build()
        .unwrap();
    let mut service = RateLimitLayer::new(limiter).layer(service_fn(serve));
    // The first refusals are events, the third is not.
    for _ in 0..3 {
        allocations(service.call(request()));
    }
    let request = request();
    allocations(async { service.call(request).await })
}

// Three for the first extension of a response, two for its first header, and one for each header that is neither the same
// in every response nor a small number.
#[test]
fn the_layer_allocates_for_an_extension_and_the_headers() {
    for (style, expected) in [
        (HeaderStyle::None, 3),
        (HeaderStyle::Draft11, 3 + 2 + 1),
        (HeaderStyle::legacy(), 3 + 2 + 1),
        (HeaderStyle::both(), 3 + 2 + 2),
    ] {
        assert_eq!(added_by_the_layer(style, 100), expected, "{style:?}");
    }
}

#[test]
fn a_refusal_allocates_hardly_more() {
    assert!(added_by_the_layer(HeaderStyle::both(), 1) <= 12);
}
