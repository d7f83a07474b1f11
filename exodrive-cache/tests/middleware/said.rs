//! What a handler says of its answer beside it: terms, tags and groups.

use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::{
    CachePolicy, CacheTerms, Invalidation, Mode, Outcome, ResponseTags, Unstorable, tag,
};
use http::{Method, Request, Response};
use http_body_util::Empty;
use tokio::time::advance;

use super::support::{Body, Fixture, get, numbered, ok, outcome, policy, seen, settled};

const SECOND: Duration = Duration::from_secs(1);

/// A handler that says something before it answers with the number of its call.
fn saying(policy: CachePolicy, say: fn(&CacheTerms)) -> Fixture {
    Fixture::new(policy, move |request: Request<Empty<Bytes>>, call| {
        say(request.extensions().get::<CacheTerms>().unwrap());
        async move { numbered(call) }
    })
}

#[tokio::test]
async fn a_tag_that_the_handler_names_while_it_runs_counts() {
    let fixture = saying(policy(), |terms| {
        terms.tag(tag!("car:9"));
    });
    fixture.ask_for("/cars/1").await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "1"));
    let tags = [tag!("car:9")];
    let cache = &fixture.cache;
    cache.invalidate(&tags, Invalidation::Hard).await.unwrap();
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
}

#[tokio::test(start_paused = true)]
async fn the_shortest_time_to_live_that_the_handler_names_counts() {
    let fixture = saying(policy(), |terms| {
        terms.ttl(3 * SECOND).ttl(2 * SECOND).ttl(5 * SECOND);
    });
    fixture.ask_for("/cars/1").await;
    advance(2 * SECOND - Duration::from_nanos(1)).await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "1"));
    advance(Duration::from_nanos(1)).await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
}

#[tokio::test]
async fn the_handler_may_keep_an_answer_out() {
    let rows: [(fn(&CacheTerms), _); 2] = [
        (|terms| drop(terms.no_store().clone()), Unstorable::Handler),
        (
            |terms| drop(terms.ttl(Duration::ZERO).clone()),
            Unstorable::Lifetime,
        ),
    ];
    for (say, reason) in rows {
        let fixture = saying(policy(), say);
        let unstorable = Some(reason);
        let response = fixture.send(get("/cars/1")).await;
        assert_eq!(outcome(&response), Outcome::Miss { unstorable });
        settled().await;
        assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
    }
}

#[tokio::test]
async fn every_request_carries_terms() {
    let fixture = saying(policy(), |terms| {
        terms.no_store();
    });
    let mut put = get("/cars/1");
    *put.method_mut() = Method::PUT;
    fixture.send(put).await;
    let mut head = get("/cars/1");
    *head.method_mut() = Method::HEAD;
    fixture.send(head).await;
    for mode in [Mode::Off, Mode::Shadow] {
        fixture.cache.set_mode("car", mode).unwrap();
        fixture.send(get("/cars/1")).await;
    }
    assert_eq!(fixture.calls(), 4);
}

/// A handler that names tags and groups, and invalidates some when told to.
fn grouped(policy: CachePolicy) -> Fixture {
    Fixture::new(
        policy,
        move |request: Request<Empty<Bytes>>, call| async move {
            let mut response: Response<Body> = ok(call.to_string());
            let headers = response.headers_mut();
            headers.insert("cache-groups", "\"own\"".parse().unwrap());
            headers.insert("cache-control", "max-age=60".parse().unwrap());
            if let Some(groups) = request.uri().query() {
                let groups = groups.replace("page=", "").replace('_', "\"");
                headers.insert("cache-group-invalidation", groups.parse().unwrap());
            }
            let tags = ResponseTags::new([tag!("caf\u{e9}")]);
            response.extensions_mut().insert(tags);
            Ok(response)
        },
    )
}

fn with_method(method: Method, uri: &str) -> Request<Empty<Bytes>> {
    let mut request = get(uri);
    *request.method_mut() = method;
    request
}

#[tokio::test]
async fn tags_are_cache_groups_when_told_so() {
    let fixture = grouped(policy().cache_groups());
    for _ in 0..2 {
        let response = fixture.send(get("/cars/1")).await;
        let groups = "\"car\", \"car:1\", \"own\"";
        assert_eq!(response.headers()["cache-groups"], groups);
        settled().await;
    }
    let fixture = grouped(policy());
    let response = fixture.send(get("/cars/1")).await;
    assert_eq!(response.headers()["cache-groups"], "\"own\"");
}

#[tokio::test]
async fn the_answer_to_an_unsafe_request_invalidates_groups() {
    for (policy, method, is_invalidated) in [
        (policy().cache_groups(), Method::POST, true),
        (policy().cache_groups(), Method::DELETE, true),
        // It has to be ignored (RFC 9875, section 3).
        (policy().cache_groups(), Method::OPTIONS, false),
        (policy(), Method::POST, false),
    ] {
        for group in ["_own_", "_car:1_", "_x_,_car_;a=1"] {
            let fixture = grouped(policy.clone());
            fixture.ask_for("/cars/1").await;
            let request = with_method(method.clone(), &format!("/cars/2?page={group}"));
            fixture.send(request).await;
            let expected = if is_invalidated {
                seen("MISS", "3")
            } else {
                seen("HIT", "1")
            };
            assert_eq!(
                fixture.ask_for("/cars/1").await,
                expected,
                "{method} {group}"
            );
        }
    }
}

#[tokio::test]
async fn a_safe_request_that_is_cached_invalidates_no_groups() {
    let fixture = grouped(policy().cache_groups());
    fixture.ask_for("/cars/1").await;
    fixture.ask_for("/cars/2?page=_car:1_").await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "1"));
}

#[tokio::test]
async fn each_origin_has_groups_of_its_own() {
    let fixture = grouped(CachePolicy::rfc9111());
    let on = |host: &'static str, method: Method, uri: &str| {
        let mut request = with_method(method, uri);
        request.headers_mut().insert("host", host.parse().unwrap());
        request
    };
    fixture.ask(on("a.example", Method::GET, "/cars/1")).await;
    fixture.ask(on("b.example", Method::GET, "/cars/1")).await;
    let change = on("a.example", Method::POST, "/other?_own_");
    fixture.send(change).await;
    let changed = fixture.ask(on("a.example", Method::GET, "/cars/1")).await;
    assert_eq!(changed, seen("MISS", "4"));
    let unmoved = fixture.ask(on("b.example", Method::GET, "/cars/1")).await;
    assert_eq!(unmoved, seen("HIT", "2"));
}
