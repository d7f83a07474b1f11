//! A shared cache as RFC 9111 describes it.

use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::{CachePolicy, Outcome};
use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderName, Method, Request, Response, StatusCode};
use http_body_util::Empty;

use super::support::{Body, Fixture, full, get, ok, outcome, seen, text};

/// An origin that answers with the number of the call and these headers.
fn origin(headers: &'static [(HeaderName, &'static str)]) -> Fixture {
    Fixture::new(CachePolicy::rfc9111(), move |_, call| async move {
        let mut response: Response<Body> = ok(call.to_string());
        for (name, value) in headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        Ok(response)
    })
}

fn asking(name: &'static str, value: &str) -> Request<Empty<Bytes>> {
    let mut request = get("/any/path?a=1");
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

#[tokio::test(start_paused = true)]
async fn the_answer_says_how_long_it_is_kept() {
    let fixture = origin(&[(CACHE_CONTROL, "max-age=10")]);
    assert_eq!(fixture.ask_for("/a?b").await, seen("MISS", "1"));
    assert_eq!(fixture.ask_for("/a?b").await, seen("HIT", "1"));
    assert_eq!(fixture.ask_for("/a?c").await, seen("MISS", "2"));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(fixture.ask_for("/a?b").await, seen("MISS", "3"));

    let silent = origin(&[]);
    assert_eq!(silent.ask_for("/a").await, seen("MISS", "1"));
    assert_eq!(silent.ask_for("/a").await, seen("MISS", "2"));
}

#[tokio::test]
async fn variants_are_kept_side_by_side() {
    let fixture = origin(&[(CACHE_CONTROL, "max-age=10"), (VARY, "Foo")]);
    assert_eq!(fixture.ask(asking("foo", "1")).await, seen("MISS", "1"));
    assert_eq!(fixture.ask(asking("foo", "2")).await, seen("MISS", "2"));
    assert_eq!(fixture.ask(asking("foo", "1")).await, seen("HIT", "1"));
    assert_eq!(fixture.ask(asking("foo", "2")).await, seen("HIT", "2"));
    assert_eq!(fixture.ask(asking("bar", "2")).await, seen("MISS", "3"));
}

#[tokio::test]
async fn variants_of_a_key_are_bounded() {
    let fixture = origin(&[(CACHE_CONTROL, "max-age=10"), (VARY, "Foo")]);
    for n in 0..17 {
        fixture.ask(asking("foo", &n.to_string())).await;
    }
    assert_eq!(fixture.ask(asking("foo", "16")).await, seen("HIT", "17"));
    assert_eq!(fixture.ask(asking("foo", "0")).await, seen("MISS", "18"));
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_is_revalidated() {
    let fixture = Fixture::new(CachePolicy::rfc9111(), async |request: Request<_>, call| {
        let mut response: Response<Body> = Response::new(full(call.to_string()));
        if request
            .headers()
            .get(IF_NONE_MATCH)
            .is_some_and(|tag| tag == "\"v1\"")
        {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = full("");
        }
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, "max-age=10".parse().unwrap());
        headers.insert(ETAG, "\"v1\"".parse().unwrap());
        headers.insert("x-call", call.to_string().parse().unwrap());
        Ok(response)
    });
    assert_eq!(fixture.ask_for("/a").await, seen("MISS", "1"));
    tokio::time::advance(Duration::from_secs(10)).await;
    let response = fixture.send(get("/a")).await;
    assert_eq!(outcome(&response), Outcome::Revalidated);
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-call"], "2");
    assert_eq!(text(response).await, "1");
    let renewed = fixture.send(get("/a")).await;
    assert_eq!(renewed.headers()["x-cache"], "HIT");
    assert_eq!(renewed.headers()["x-call"], "2");
    assert_eq!(text(renewed).await, "1");
}

#[tokio::test]
async fn the_directives_of_a_request_count() {
    let fixture = origin(&[(CACHE_CONTROL, "max-age=10")]);
    let only_stored = fixture
        .send(asking("cache-control", "only-if-cached"))
        .await;
    assert_eq!(only_stored.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(fixture.calls(), 0);
    assert_eq!(
        fixture.ask(asking("cache-control", "no-store")).await,
        seen("MISS", "1")
    );
    assert_eq!(fixture.ask(asking("x-any", "1")).await, seen("MISS", "2"));
    assert_eq!(
        fixture.ask(asking("cache-control", "no-cache")).await,
        seen("MISS", "3")
    );
    assert_eq!(
        fixture.ask(asking("cache-control", "only-if-cached")).await,
        seen("HIT", "3")
    );
}

#[tokio::test]
async fn an_unsafe_method_invalidates_its_target() {
    let fixture = origin(&[(CACHE_CONTROL, "max-age=10")]);
    let method = |method, uri: &str| {
        let mut request = get(uri);
        *request.method_mut() = method;
        request
    };
    assert_eq!(fixture.ask_for("/a").await, seen("MISS", "1"));
    assert_eq!(fixture.ask_for("/b").await, seen("MISS", "2"));
    assert_eq!(
        fixture.ask(method(Method::OPTIONS, "/a")).await,
        seen("BYPASS", "3")
    );
    assert_eq!(fixture.ask_for("/a").await, seen("HIT", "1"));
    assert_eq!(
        fixture.ask(method(Method::PUT, "/a")).await,
        seen("BYPASS", "4")
    );
    assert_eq!(fixture.ask_for("/a").await, seen("MISS", "5"));
    assert_eq!(fixture.ask_for("/b").await, seen("HIT", "2"));
}
