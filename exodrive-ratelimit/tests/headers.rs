//! The headers as somebody else's parser of structured fields (RFC 9651) reads them.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::{Ready, ready};

use exodrive_ratelimit::testing::Unreliable;
use exodrive_ratelimit::{
    DAY, HOUR, Limit, MINUTE, MemoryStore, OnStoreError, Peer, Quota, RateLimitLayer, RateLimiter,
    Whom,
};
use http::{HeaderMap, Request, Response};
use sfv::{BareItem, List, ListEntry, Parser};
use tower::{Layer, ServiceExt, service_fn};

type Store = Unreliable<MemoryStore>;

fn limiter(store: Store, limits: Vec<Limit>) -> RateLimiter<Store> {
    let builder = RateLimiter::builder(store).instances(3);
    limits
        .into_iter()
        .fold(builder, |builder, limit| builder.limit(limit))
        .build()
        .unwrap()
}

fn serve(_: Request<()>) -> Ready<Result<Response<()>, Infallible>> {
    ready(Ok(Response::new(())))
}

async fn headers(limiter: &RateLimiter<Store>) -> HeaderMap {
    let service = RateLimitLayer::new(limiter.clone()).layer(service_fn(serve));
    let peer = Peer(([192, 0, 2, 1], 4711).into());
    let request = Request::builder().extension(peer).body(()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    response.into_parts().0.headers
}

/// The names and the integers of a list of strings with these parameters, and no others.
fn items(headers: &HeaderMap, field: &str, parameters: [&str; 2]) -> Vec<(String, [i64; 2])> {
    let Some(value) = headers.get(field) else {
        return Vec::new();
    };
    let list: List = Parser::new(value.as_bytes()).parse().unwrap();
    let items = list.into_iter().map(|entry| {
        let ListEntry::Item(item) = entry else {
            panic!("an inner list in {value:?}")
        };
        let BareItem::String(name) = &item.bare_item else {
            panic!("{value:?} is not a list of strings")
        };
        assert_eq!(item.params.len(), parameters.len(), "{value:?}");
        let integer = |key| match item.params.get(key) {
            Some(BareItem::Integer(integer)) => i64::from(*integer),
            other => panic!("`{key}` is {other:?} in {value:?}"),
        };
        (name.as_str().to_owned(), parameters.map(integer))
    });
    items.collect()
}

/// Reads everything, expects it to hang together, and returns the names of the limits told of.
fn read(headers: &HeaderMap, status: &str) -> Vec<String> {
    let policies = items(headers, "ratelimit-policy", ["q", "w"]);
    let states = items(headers, "ratelimit", ["r", "t"]);
    assert_eq!(policies.len(), states.len(), "{status}");
    let mut names = Vec::new();
    for ((policy, [quota, window]), (name, [remaining, reset])) in policies.into_iter().zip(states)
    {
        assert_eq!(policy, name, "{status}");
        assert!(quota >= 1 && window >= 1, "{status}: q={quota} w={window}");
        assert!((0..=quota).contains(&remaining), "{status}: r={remaining}");
        // What has left leaves in steps, up to a tenth of a window late.
        assert!(
            (0..=window + window / 10 + 1).contains(&reset),
            "{status}: t={reset}"
        );
        names.push(name);
    }
    for field in [
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "retry-after",
    ] {
        if let Some(value) = headers.get(field) {
            let number: u64 = value.to_str().unwrap().parse().unwrap();
            assert!(field != "retry-after" || number >= 1, "{status}");
        }
    }
    names
}

#[tokio::test(start_paused = true)]
async fn in_every_state_the_headers_are_structured_fields_that_agree_with_each_other() {
    let sets: [fn() -> Vec<Limit>; 4] = [
        || vec![Limit::sliding_window("public", 3, MINUTE).by_ip()],
        || vec![Limit::gcra("a-%$'()*,;=name", Quota::per_second(2).burst(3)).by_ip()],
        || {
            vec![
                Limit::sliding_window("minute", 4, MINUTE).by_ip(),
                Limit::gcra("rate", Quota::per_day(u32::MAX).burst(7)).by_ip(),
                Limit::sliding_window("watched", 1, HOUR).by_ip().shadow(),
                Limit::sliding_window("day", u32::MAX, 366 * DAY).by_ip(),
            ]
        },
        || vec![Limit::sliding_window("never", 2, MINUTE).by_ip().cost(3)],
    ];
    for limits in sets {
        let told: Vec<String> = {
            let limiter = limiter(Store::new(MemoryStore::default()), limits());
            read(&headers(&limiter).await, "at first")
        };
        assert!(!told.is_empty() && !told.contains(&"watched".to_owned()));

        let store = Store::new(MemoryStore::default());
        let limiter = limiter(store.clone(), limits());
        for n in 0..8 {
            // Admitted, exhausted and refused, by the store and by this instance.
            store.fail(n % 3 == 2);
            let headers = headers(&limiter).await;
            let names = read(&headers, &format!("request {n}"));
            // A refusal that is repeated tells of the limits that refuse.
            assert!(!names.is_empty() && names.iter().all(|name| told.contains(name)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_there_is_nothing_to_read_but_when_to_come_back() {
    let store = Store::new(MemoryStore::default());
    let limit = Limit::sliding_window("public", 3, MINUTE).by_ip();
    let limiter = limiter(
        store.clone(),
        vec![limit.on_store_error(OnStoreError::Deny)],
    );
    store.fail(true);
    let headers = headers(&limiter).await;
    assert!(read(&headers, "unavailable").is_empty());
    assert_eq!(headers["retry-after"], "1");
}

#[tokio::test(start_paused = true)]
async fn a_ban_tells_when_it_ends_and_of_no_limit() {
    let limits = vec![Limit::sliding_window("public", 3, MINUTE).by_ip()];
    let limiter = limiter(Store::new(MemoryStore::default()), limits);
    let whom = || "192.0.2.0/24".parse::<Whom>().unwrap();
    let control = limiter.control();
    control.ban(whom(), HOUR, "tests").await.unwrap();
    let banned = headers(&limiter).await;
    assert!(read(&banned, "banned").is_empty());
    assert_eq!(banned["retry-after"], "3600");
    control.unban(whom()).await.unwrap();
    control.deny(whom(), None, "tests").await.unwrap();
    let denied = headers(&limiter).await;
    assert!(read(&denied, "denied").is_empty());
    assert!(!denied.contains_key("retry-after"));
}

#[tokio::test(start_paused = true)]
async fn refused_clients_are_asked_to_come_back_at_different_times_and_none_too_early() {
    let limiter = RateLimiter::builder(Store::new(MemoryStore::default()))
        .limit(Limit::gcra("rate", Quota::per_minute(1)).by_ip())
        .retry_jitter(MINUTE)
        .build()
        .unwrap();
    headers(&limiter).await;
    let mut waits = BTreeSet::new();
    for _ in 0..50 {
        let refused = headers(&limiter).await;
        assert_eq!(
            refused["ratelimit"], "\"rate\";r=0;t=60",
            "the truth is told as ever"
        );
        waits.insert(
            refused["retry-after"]
                .to_str()
                .unwrap()
                .parse::<u64>()
                .unwrap(),
        );
    }
    assert!(
        waits.iter().all(|wait| (60..=120).contains(wait)),
        "{waits:?}"
    );
    assert!(waits.len() > 10, "{waits:?}");
}
