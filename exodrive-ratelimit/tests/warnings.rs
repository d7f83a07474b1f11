//! What a misconfigured limiter says, and that it says it once.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fmt::{Debug, Write};
use std::future::ready;
use std::sync::{Arc, Mutex, Once};

use exodrive_ratelimit::testing::Unreliable;
use exodrive_ratelimit::{
    ClientIp, Limit, MINUTE, MemoryStore, OnStoreError, Peer, RateLimitLayer, RateLimiter, Subject,
};
use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default, set_global_default};
use tracing::{Event, Metadata, Subscriber};

/// Everything that was said on this thread.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<String>>>);

impl Said {
    fn listen() -> (Self, DefaultGuard) {
        // What nobody listens to is remembered for the whole process. With a default that wants everything, nothing is
        // taken for unwanted while another test begins to listen.
        static LISTENING: Once = Once::new();
        LISTENING.call_once(|| set_global_default(Self::default()).unwrap());
        let said = Self::default();
        let guard = set_default(said.clone());
        (said, guard)
    }

    fn times(&self, words: &str) -> usize {
        let said = self.0.lock().unwrap();
        said.iter()
            .filter(|message| message.contains(words))
            .count()
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        write!(self.0, "{value:?} ").unwrap();
    }
}

impl Subscriber for Said {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn limiter() -> RateLimiter<MemoryStore> {
    RateLimiter::builder(MemoryStore::default())
        .limit(Limit::sliding_window("public", 60, MINUTE).by_ip())
        .build()
        .unwrap()
}

fn request() -> Request<()> {
    Request::builder()
        .extension(Peer("192.0.2.1:9".parse().unwrap()))
        .body(())
        .unwrap()
}

async fn send(limiter: &RateLimiter<MemoryStore>, request: Request<()>) {
    let serve = service_fn(|_: Request<()>| ready(Ok::<_, String>(Response::new(()))));
    let service = RateLimitLayer::new(limiter.clone()).layer(serve);
    service.oneshot(request).await.unwrap();
}

#[tokio::test]
async fn a_well_configured_limiter_says_nothing() {
    let (said, _guard) = Said::listen();
    send(&limiter(), request()).await;
    assert_eq!(said.times(""), 0);
}

#[tokio::test]
async fn a_forwarding_header_without_trusted_proxies_is_said_once() {
    let (said, _guard) = Said::listen();
    let limiter = limiter();
    for _ in 0..3 {
        let mut request = request();
        request
            .headers_mut()
            .insert("x-forwarded-for", "192.0.2.7".parse().unwrap());
        send(&limiter, request).await;
    }
    assert_eq!(said.times("ClientIp::trusted_proxies"), 1);
}

#[tokio::test]
async fn requests_without_a_peer_are_said_once() {
    let (said, _guard) = Said::listen();
    let limiter = limiter();
    for _ in 0..3 {
        send(&limiter, Request::new(())).await;
    }
    assert_eq!(said.times("`Peer` extension"), 1);
}

#[tokio::test]
async fn a_limiter_applied_twice_is_said_once() {
    let (said, _guard) = Said::listen();
    let layer = RateLimitLayer::new(limiter());
    for _ in 0..3 {
        let serve = service_fn(|_: Request<()>| ready(Ok::<_, String>(Response::new(()))));
        let service = layer.layer(layer.layer(serve));
        service.oneshot(request()).await.unwrap();
    }
    assert_eq!(said.times("the same limit twice"), 1);
}

#[tokio::test]
async fn a_failing_store_is_said_when_it_begins_to_fail_and_when_it_recovers() {
    let (said, _guard) = Said::listen();
    let store = Unreliable::new(MemoryStore::default());
    let limit = Limit::sliding_window("public", 60, MINUTE).by_subject();
    let limiter = RateLimiter::builder(store.clone())
        .limit(limit.on_store_error(OnStoreError::Deny))
        .build()
        .unwrap();
    for failing in [false, true, true, false, false, true] {
        store.fail(failing);
        let checked = limiter.check(Subject::user("ada"), 1).await;
        assert_eq!(checked.is_err(), failing);
    }
    assert_eq!(said.times("could not tell"), 2);
    assert_eq!(said.times("answers again"), 1);
}

#[test]
fn trusting_everybody_is_said_when_the_limiter_is_built() {
    let (said, _guard) = Said::listen();
    let everybody = ClientIp::trusted_proxies(["0.0.0.0/0".parse().unwrap()]);
    let builder = RateLimiter::builder(MemoryStore::default()).client_ip(everybody);
    builder
        .limit(Limit::sliding_window("public", 60, MINUTE).by_ip())
        .build()
        .unwrap();
    assert_eq!(said.times("every address is a trusted proxy"), 1);
}

#[tokio::test]
async fn a_subject_that_no_limit_is_for_is_said_once() {
    let (said, _guard) = Said::listen();
    let limiter = limiter();
    for _ in 0..3 {
        assert!(limiter.check(Subject::user("ada"), 1).await.is_ok());
    }
    assert_eq!(said.times("no limit applies to"), 1);
}
