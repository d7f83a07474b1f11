//! What the cache says that it would do.

use std::time::Duration;

use exodrive_cache::testing::{Fault, Operation, Unreliable};
use exodrive_cache::{Bypass, Cache, Credentials, Invalidation, MemoryStore, Mode, Outcome, tag};
use http::Method;
use http::request::Parts;
use tokio::time::advance;

use super::support::{CarUpdated, Fixture, get, ok, policy};

fn request() -> Parts {
    let mut request = get("/cars/1?page=secret-1&token=secret-2");
    let headers = request.headers_mut();
    headers.insert("host", "cars.example".parse().unwrap());
    headers.insert("accept-language", "secret-3".parse().unwrap());
    headers.insert("x-api-key", "secret-4".parse().unwrap());
    request.into_parts().0
}

/// Returns the explanation's lines but for the one with the key.
async fn lines(fixture: &Fixture, request: &Parts) -> Vec<String> {
    let text = fixture.cache.explain("car", request).await.unwrap();
    let text = text.to_string();
    assert!(!text.contains("secret"), "{text}");
    text.lines()
        .filter(|line| !line.starts_with("Its key is "))
        .map(Into::into)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn says_what_is_keyed_and_what_is_stored_in_plain_language() {
    let policy = policy().stale_if_error(Duration::from_secs(60));
    let fixture = Fixture::new(policy, async |_, _| Ok(ok("a car")));
    let request = request();
    let head = [
        "GET /cars/1 under the policy \"car\", which is on",
        "The handler sees the parameters page and the headers accept-language, host.",
        "The handler does not see the parameters token and the headers x-api-key.",
    ];
    let expect = |last: &str| {
        let lines = head.iter().copied().chain([last]);
        lines.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let nothing = "The store holds nothing for it.";
    assert_eq!(lines(&fixture, &request).await, expect(nothing));
    assert_eq!(fixture.calls(), 0);

    let body = http_body_util::Empty::new();
    let sent = http::Request::from_parts(request.clone(), body);
    fixture.ask(sent).await;
    advance(Duration::from_secs(12)).await;
    let held = "The store holds an answer of 5 bytes with the tags car, car:1";
    let fresh = format!("{held}, 12 s old and fresh for 48 s more.");
    assert_eq!(lines(&fixture, &request).await, expect(&fresh));
    let explanation = fixture.cache.explain("car", &request).await.unwrap();
    let age = Duration::from_secs(12);
    let ttl = Duration::from_secs(48);
    assert_eq!(explanation.served(), Some(Outcome::Hit { age, ttl }));
    let entry = explanation.entry().unwrap();
    assert_eq!(explanation.key().unwrap(), entry.key());

    let tags = [tag!("car:1")];
    let cache = &fixture.cache;
    cache.invalidate(&tags, Invalidation::Soft).await.unwrap();
    let soft = ": invalidated softly, to be replaced first; it may be served if that fails.";
    let soft = format!("{held}{soft}");
    assert_eq!(lines(&fixture, &request).await, expect(&soft));
    cache.publish(&CarUpdated(1)).await.unwrap();
    assert_eq!(lines(&fixture, &request).await, expect(nothing));
}

#[tokio::test]
async fn says_why_a_request_goes_past() {
    let fixture = Fixture::counting();
    let mut post = request();
    post.method = Method::POST;
    let explanation = fixture.cache.explain("car", &post).await.unwrap();
    assert_eq!(explanation.bypass(), Some(Bypass::Method));
    assert!(explanation.key().is_none());
    let last = lines(&fixture, &post).await.pop().unwrap();
    assert_eq!(last, "It bypasses the cache: method.");

    fixture.cache.set_mode("car", Mode::Off).unwrap();
    let lines = lines(&fixture, &request()).await;
    assert_eq!(
        lines,
        [
            "GET /cars/1 under the policy \"car\", which is off",
            "The policy is not in force for this request."
        ]
    );
    assert!(fixture.cache.explain("cars", &request()).await.is_err());
}

#[tokio::test]
async fn tells_no_principal() {
    let policy = policy().credentials(Credentials::per_principal(|_| Some("secret".to_owned())));
    let fixture = Fixture::new(policy, async |_, _| Ok(ok("a car")));
    let lines = lines(&fixture, &request()).await;
    assert!(lines.contains(&"The answer is for one principal alone.".to_owned()));
}

#[tokio::test]
async fn says_so_when_the_store_fails() {
    let store = Unreliable::new(MemoryStore::default());
    store.fault(Operation::Lookup, Fault::Fail);
    let cache = Cache::builder(store).policy("car", policy());
    let explanation = cache.build().unwrap().explain("car", &request()).await;
    let text = explanation.unwrap().to_string();
    assert!(
        text.ends_with("The store could not say what it holds."),
        "{text}"
    );
}
