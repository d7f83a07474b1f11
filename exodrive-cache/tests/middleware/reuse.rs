//! What is answered from the store, and how.

use std::time::Duration;

use exodrive_cache::{Bypass, Credentials, Outcome, ResponseTags, Unstorable, tag};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::Empty;

use super::support::{CarUpdated, Failure, Fixture, full, get, ok, outcome, policy, seen, text};

#[tokio::test(start_paused = true)]
async fn answers_from_the_store_until_the_time_is_over() {
    let fixture = Fixture::counting();
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "1"));
    tokio::time::advance(Duration::from_secs(59)).await;
    let hit = fixture.send(get("/cars/1")).await;
    assert_eq!(hit.headers()["age"], "59");
    assert_eq!(
        outcome(&hit),
        Outcome::Hit {
            age: Duration::from_secs(59),
            ttl: Duration::from_secs(1),
        }
    );
    assert_eq!(text(hit).await, "1");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "2"));
}

#[tokio::test]
async fn keyed_inputs_have_answers_of_their_own() {
    let fixture = Fixture::counting();
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "1"));
    assert_eq!(fixture.ask_for("/cars/2").await, seen("MISS", "2"));
    assert_eq!(fixture.ask_for("/cars/1?page=2").await, seen("MISS", "3"));
    let german = Request::get("/cars/1")
        .header("accept-language", "de")
        .body(Empty::new())
        .unwrap();
    assert_eq!(fixture.ask(german).await, seen("MISS", "4"));
    assert_eq!(fixture.ask_for("/cars/1?utm=x").await, seen("HIT", "1"));
}

#[tokio::test]
async fn what_is_not_keyed_never_reaches_the_handler() {
    let fixture = Fixture::new(policy(), async |request: Request<_>, _| {
        let names: Vec<_> = request.headers().keys().map(ToString::to_string).collect();
        Ok(ok(format!("{} {names:?}", request.uri())))
    });
    let hostile = Request::get("/cars/1?page=2&callback=evil")
        .header("host", "example.com")
        .header("x-forwarded-host", "evil.example")
        .header("x-original-url", "/admin")
        .header("accept-language", "de")
        .body(Empty::new())
        .unwrap();
    let expected = r#"/cars/1?page=2 ["accept-language", "host"]"#;
    assert_eq!(fixture.ask(hostile).await, seen("MISS", expected));
}

#[tokio::test]
async fn a_hit_never_calls_the_handler_and_equals_its_answer() {
    let fixture = Fixture::new(policy(), async |_, _| {
        let mut response = ok("{}");
        let headers = response.headers_mut();
        headers.insert("content-type", "application/json".parse().unwrap());
        headers.append("link", "<a>".parse().unwrap());
        headers.append("link", "<b>".parse().unwrap());
        headers.insert("etag", "\"1\"".parse().unwrap());
        headers.insert("x-trace-id", "only-for-the-first".parse().unwrap());
        Ok(response)
    });
    let miss = fixture.send(get("/cars/1")).await;
    assert_eq!(miss.headers()["x-trace-id"], "only-for-the-first");
    assert_eq!(text(miss).await, "{}");
    super::support::settled().await;

    let hit = fixture.send(get("/cars/1")).await;
    let mut expected = HeaderMap::new();
    expected.insert("content-type", "application/json".parse().unwrap());
    expected.append("link", "<a>".parse().unwrap());
    expected.append("link", "<b>".parse().unwrap());
    expected.insert("etag", "\"1\"".parse().unwrap());
    expected.insert("age", "0".parse().unwrap());
    expected.insert("x-cache", "HIT".parse().unwrap());
    expected.insert("cache-status", "exodrive; hit; ttl=59".parse().unwrap());
    assert_eq!(*hit.headers(), expected);
    assert_eq!(hit.body().size_hint().exact(), Some(2));
    assert_eq!(fixture.calls(), 1);
}

#[tokio::test]
async fn head_is_answered_from_the_entry_of_a_get() {
    let fixture = Fixture::counting();
    let head = || Request::head("/cars/1").body(Empty::new()).unwrap();
    let miss = fixture.send(head()).await;
    assert_eq!(
        outcome(&miss),
        Outcome::Miss {
            unstorable: Some(Unstorable::Head)
        }
    );
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
    let hit = fixture.send(head()).await;
    assert_eq!(hit.headers()["x-cache"], "HIT");
    assert_eq!(hit.headers()["content-length"], "1");
    assert_eq!(text(hit).await, "");
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "2"));
}

#[tokio::test]
async fn requests_that_may_not_use_the_cache_go_past_it_untouched() {
    let fixture = Fixture::new(policy(), async |request: Request<_>, call| {
        Ok(ok(format!("{call} {}", request.headers().len())))
    });
    let cookie = || {
        Request::get("/cars/1")
            .header("cookie", "a=1")
            .header("x-other", "1")
            .body(Empty::new())
            .unwrap()
    };
    let response = fixture.send(cookie()).await;
    assert_eq!(outcome(&response), Outcome::Bypass(Bypass::Credentials));
    assert_eq!(text(response).await, "1 2");
    assert_eq!(fixture.ask(cookie()).await, seen("BYPASS", "2 2"));
}

#[tokio::test]
async fn principals_never_see_each_others_answers() {
    let credentials = Credentials::per_principal(|request| {
        request
            .extensions
            .get::<&'static str>()
            .map(|name| (*name).to_owned())
    });
    let fixture = Fixture::new(
        policy().credentials(credentials),
        async |request: Request<_>, _| {
            let name = request.extensions().get::<&'static str>().copied();
            Ok(ok(name.unwrap_or("nobody")))
        },
    );
    let as_user = |name: &'static str| {
        let mut request = Request::get("/cars/1")
            .header("authorization", "Bearer x")
            .body(Empty::new())
            .unwrap();
        request.extensions_mut().insert(name);
        request
    };
    assert_eq!(fixture.ask(as_user("alice")).await, seen("MISS", "alice"));
    assert_eq!(fixture.ask(as_user("bob")).await, seen("MISS", "bob"));
    assert_eq!(fixture.ask(as_user("alice")).await, seen("HIT", "alice"));
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "nobody"));
}

#[tokio::test]
async fn answers_that_speak_against_it_are_not_stored() {
    let fixture = Fixture::new(policy(), async |_, call| {
        let mut response = Response::new(full(call.to_string()));
        *response.status_mut() = StatusCode::NOT_FOUND;
        Ok(response)
    });
    let response = fixture.send(get("/cars/1")).await;
    assert_eq!(
        outcome(&response),
        Outcome::Miss {
            unstorable: Some(Unstorable::Status)
        }
    );
    assert_eq!(text(response).await, "1");
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
}

#[tokio::test]
async fn tags_of_the_handler_count_as_much_as_the_policys() {
    let fixture = Fixture::new(policy(), async |_, call| {
        let mut response = ok(call.to_string());
        let tags = ResponseTags::new([tag!("car:9")]);
        response.extensions_mut().insert(tags);
        Ok(response)
    });
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "1"));
    let published = fixture.cache.publish(&CarUpdated(9)).await.unwrap();
    assert_eq!(published.tags(), 1);
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
}

#[tokio::test]
async fn an_error_of_the_handler_reaches_the_client() {
    let fixture = Fixture::new(policy(), async |_, call| match call {
        1 => Err(Failure("out of order")),
        _ => Ok(ok("fine")),
    });
    let answer = tower::ServiceExt::oneshot(fixture.service.clone(), get("/cars/1")).await;
    assert_eq!(answer.unwrap_err().to_string(), "out of order");
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "fine"));
}
