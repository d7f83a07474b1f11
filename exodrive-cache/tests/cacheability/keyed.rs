//! A policy of the application's own: its time to live, unless something speaks against storing.

use std::time::Duration;

use exodrive_cache::{CachePolicy, Credentials, Origin, SetCookie};

use super::table::Says::{Bypass, Refuse, Store};
use super::table::{Row, Rule, Says, check, rule};

fn policy() -> CachePolicy {
    CachePolicy::ttl(Duration::from_secs(60))
        .headers(["accept-language"])
        .max_body(100)
}

const METHODS: [(&str, Says, &str); 7] = [
    ("GET", Store, ""),
    ("HEAD", Refuse, "the answer to a HEAD has no body to store"),
    ("POST", Bypass, "GET and HEAD only"),
    ("PUT", Bypass, "GET and HEAD only"),
    ("DELETE", Bypass, "GET and HEAD only"),
    ("OPTIONS", Bypass, "GET and HEAD only"),
    ("PURGE", Bypass, "GET and HEAD only"),
];

const REQUESTS: [Rule; 18] = [
    rule(&[], Store, ""),
    rule(&[("host", "cars.example")], Store, ""),
    rule(&[("accept-language", "de")], Store, "a keyed header"),
    rule(
        &[("x-forwarded-host", "evil.example")],
        Store,
        "removed before the handler",
    ),
    rule(
        &[("x-http-method-override", "DELETE")],
        Store,
        "removed before the handler",
    ),
    rule(
        &[("cache-control", "no-cache")],
        Store,
        "a client has no say",
    ),
    rule(
        &[("cache-control", "no-store")],
        Store,
        "a client has no say",
    ),
    rule(&[("pragma", "no-cache")], Store, "a client has no say"),
    rule(
        &[("range", "bytes=0-1")],
        Store,
        "the whole answer is asked for",
    ),
    rule(
        &[("if-none-match", "\"other\"")],
        Store,
        "answered by the cache",
    ),
    rule(&[("content-length", "0")], Store, "no body"),
    rule(&[("content-length", "3")], Bypass, "a body is in no key"),
    rule(
        &[("transfer-encoding", "chunked")],
        Bypass,
        "a body is in no key",
    ),
    rule(
        &[("authorization", "Bearer x")],
        Bypass,
        "RFC 9111, section 3.5",
    ),
    rule(&[("cookie", "session=x")], Bypass, "credentials"),
    rule(&[("upgrade", "websocket")], Bypass, "another protocol"),
    rule(&[("connection", "upgrade")], Bypass, "another protocol"),
    rule(
        &[("host", "a"), ("host", "b")],
        Bypass,
        "RFC 9112, section 3.2",
    ),
];

const STATUSES: [(u16, Says); 16] = [
    (200, Store),
    (201, Refuse),
    (202, Refuse),
    (203, Refuse),
    (204, Refuse),
    (206, Refuse),
    (301, Refuse),
    (302, Refuse),
    (304, Refuse),
    (400, Refuse),
    (404, Refuse),
    (410, Refuse),
    (429, Refuse),
    (500, Refuse),
    (503, Refuse),
    (599, Refuse),
];

const ANSWERS: [Rule; 27] = [
    rule(&[], Store, ""),
    rule(
        &[("cache-control", "public, max-age=1")],
        Store,
        "the policy sets the time",
    ),
    rule(
        &[("cache-control", "max-age=0")],
        Store,
        "the policy sets the time",
    ),
    rule(&[("expires", "0")], Store, "the policy sets the time"),
    rule(
        &[("cache-control", "no-store")],
        Refuse,
        "RFC 9111, section 5.2.2.5",
    ),
    rule(
        &[("cache-control", "No-Store")],
        Refuse,
        "RFC 9111, section 5.2: not case-sensitive",
    ),
    rule(
        &[("cache-control", "private")],
        Refuse,
        "RFC 9111, section 5.2.2.7",
    ),
    rule(
        &[("cache-control", "no-cache")],
        Refuse,
        "RFC 9111, section 5.2.2.4",
    ),
    rule(
        &[
            ("cache-control", "max-age=60"),
            ("cache-control", "private"),
        ],
        Refuse,
        "several lines",
    ),
    rule(
        &[("cache-control", "x=\"no-store\"")],
        Store,
        "RFC 9110, section 5.6.4: quoted",
    ),
    rule(
        &[("set-cookie", "session=x")],
        Refuse,
        "what is set for one is not for all",
    ),
    rule(&[("vary", "accept-language")], Store, "keyed"),
    rule(
        &[("vary", "Accept-Language, accept-language")],
        Store,
        "keyed",
    ),
    rule(
        &[("vary", "cookie")],
        Refuse,
        "RFC 9111, section 4.1: not keyed",
    ),
    rule(
        &[("vary", "authorization")],
        Refuse,
        "RFC 9111, section 4.1: not keyed",
    ),
    rule(&[("vary", "*")], Refuse, "RFC 9111, section 4.1"),
    rule(
        &[("vary", "accept-language, *")],
        Refuse,
        "RFC 9111, section 4.1",
    ),
    rule(
        &[("vary", "accept-language"), ("vary", "origin")],
        Refuse,
        "several lines",
    ),
    rule(&[("content-type", "text/event-stream")], Refuse, "endless"),
    rule(
        &[("content-type", "application/grpc+proto")],
        Refuse,
        "endless",
    ),
    rule(&[("content-type", "text/html; charset=utf-8")], Store, ""),
    rule(&[("content-length", "4")], Store, ""),
    rule(&[("content-length", "101")], Refuse, "over the cap"),
    rule(
        &[("content-length", "5")],
        Refuse,
        "RFC 9111, section 3.3: incomplete",
    ),
    rule(&[("etag", "\"v1\"")], Store, ""),
    rule(
        &[("x-trace-id", "0123456789abcdef")],
        Store,
        "not stored with the rest",
    ),
    rule(
        &[("connection", "x-hop"), ("x-hop", "1")],
        Store,
        "RFC 9110, section 7.6.1",
    ),
];

/// A GET that is answered with 200.
fn row(request: &Rule, answer: &Rule) -> Row {
    Row {
        method: "GET",
        request: request.lines.to_vec(),
        status: 200,
        answer: answer.lines.to_vec(),
        expected: Row::expect([request.says, answer.says]),
        source: format!("{}; {}", request.source, answer.source),
    }
}

#[tokio::test]
async fn whatever_the_method_and_the_request() {
    let mut rows = Vec::new();
    for (method, of_method, why) in METHODS {
        for request in REQUESTS {
            rows.push(Row {
                method,
                request: request.lines.to_vec(),
                status: 200,
                answer: Vec::new(),
                expected: Row::expect([of_method, request.says]),
                source: format!("{why}; {}", request.source),
            });
        }
    }
    assert_eq!(rows.len(), 126);
    check(&policy(), &rows).await;
}

#[tokio::test]
async fn whatever_the_status_and_the_header() {
    let mut rows = Vec::new();
    for (status, of_status) in STATUSES {
        for answer in ANSWERS {
            rows.push(Row {
                method: "GET",
                request: Vec::new(),
                status,
                answer: answer.lines.to_vec(),
                expected: Row::expect([of_status, answer.says]),
                source: format!("only 200; {}", answer.source),
            });
        }
    }
    assert_eq!(rows.len(), 432);
    check(&policy(), &rows).await;
}

/// Every property of the answer with every property of the request.
#[tokio::test]
async fn whatever_both_sides_say() {
    let mut rows = Vec::new();
    for request in REQUESTS {
        for answer in ANSWERS {
            rows.push(row(&request, &answer));
        }
    }
    assert_eq!(rows.len(), 486);
    check(&policy(), &rows).await;
}

#[tokio::test]
async fn what_a_policy_may_allow() {
    let plain = rule(&[], Store, "");
    let cookie = rule(
        &[("set-cookie", "session=x")],
        Store,
        "allowed by the policy",
    );
    for allowed in [SetCookie::Strip, SetCookie::Store] {
        check(&policy().set_cookie(allowed), &[row(&plain, &cookie)]).await;
    }
    let directives = [
        rule(
            &[("cache-control", "no-store")],
            Store,
            "the handler has no say",
        ),
        rule(
            &[("cache-control", "private")],
            Store,
            "the handler has no say",
        ),
        rule(
            &[("cache-control", "no-cache")],
            Store,
            "the handler has no say",
        ),
        rule(&[("vary", "*")], Refuse, "RFC 9111, section 4.1"),
        rule(&[("set-cookie", "session=x")], Refuse, "not a directive"),
    ];
    let rows: Vec<Row> = directives
        .iter()
        .map(|answer| row(&plain, answer))
        .collect();
    check(&policy().origin(Origin::Ignore), &rows).await;

    let credentials = [
        rule(
            &[("authorization", "Bearer x")],
            Store,
            "removed before the handler",
        ),
        rule(
            &[("cookie", "session=x")],
            Store,
            "removed before the handler",
        ),
    ];
    let rows: Vec<Row> = credentials
        .iter()
        .map(|request| row(request, &plain))
        .collect();
    check(&policy().credentials(Credentials::shared()), &rows).await;
    let nobody = Credentials::per_principal(|_| None);
    let rows: Vec<Row> = REQUESTS
        .iter()
        .map(|request| row(request, &plain))
        .collect();
    check(&policy().credentials(nobody), &rows).await;
}
