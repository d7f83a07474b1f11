//! Clients that have the answer already, or want a part of it.

use exodrive_cache::Outcome;
use http::header::{HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE};
use http::{Request, StatusCode};
use http_body_util::Empty;

use super::support::{Body, Fixture, get, ok, outcome, policy, seen, text};

fn asking(
    headers: impl IntoIterator<Item = (HeaderName, &'static str)>,
) -> Request<Empty<bytes::Bytes>> {
    let mut request = get("/cars/1");
    for (name, value) in headers {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}

fn tagged() -> Fixture {
    Fixture::new(policy(), async |_, _| {
        let mut response: http::Response<Body> = ok("0123456789");
        let headers = response.headers_mut();
        headers.insert("etag", "\"v1\"".parse().unwrap());
        headers.insert("content-type", "text/plain".parse().unwrap());
        Ok(response)
    })
}

#[tokio::test]
async fn a_client_that_has_the_answer_is_told_so() {
    let fixture = tagged();
    for state in ["MISS", "HIT"] {
        let response = fixture
            .send(asking([(IF_NONE_MATCH, "\"v0\", W/\"v1\"")]))
            .await;
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(response.headers()["x-cache"], state);
        assert_eq!(response.headers()["etag"], "\"v1\"");
        assert!(!response.headers().contains_key("content-type"));
        assert_eq!(text(response).await, "");
        super::support::settled().await;
    }
    let changed = fixture.send(asking([(IF_NONE_MATCH, "\"v0\"")])).await;
    assert_eq!(changed.status(), StatusCode::OK);
    assert_eq!(fixture.calls(), 1);
}

#[tokio::test]
async fn an_answer_without_a_tag_gets_one() {
    let fixture = Fixture::counting();
    fixture.ask_for("/cars/1").await;
    let hit = fixture.send(get("/cars/1")).await;
    let tag = hit.headers()["etag"].clone();
    let mut request = get("/cars/1");
    request.headers_mut().insert(IF_NONE_MATCH, tag);
    assert_eq!(
        fixture.send(request).await.status(),
        StatusCode::NOT_MODIFIED
    );
}

#[tokio::test]
async fn a_part_is_cut_from_the_whole() {
    let fixture = tagged();
    // The handler is asked for all of it, whatever the client wants.
    assert_eq!(
        fixture.ask(asking([(RANGE, "bytes=2-4")])).await,
        seen("MISS", "0123456789")
    );
    for (range, status, content_range, body) in [
        ("bytes=2-4", 206, "bytes 2-4/10", "234"),
        ("bytes=7-", 206, "bytes 7-9/10", "789"),
        ("bytes=-1", 206, "bytes 9-9/10", "9"),
        ("bytes=10-", 416, "bytes */10", ""),
    ] {
        let response = fixture.send(asking([(RANGE, range)])).await;
        assert_eq!(response.status(), status, "{range}");
        assert!(matches!(outcome(&response), Outcome::Hit { .. }));
        assert_eq!(response.headers()["content-range"], content_range);
        assert_eq!(response.headers()["content-length"], body.len().to_string());
        assert_eq!(text(response).await, body);
    }
    let other = fixture
        .send(asking([(RANGE, "bytes=2-4"), (IF_RANGE, "\"v0\"")]))
        .await;
    assert_eq!(other.status(), StatusCode::OK);
    assert_eq!(text(other).await, "0123456789");
}
