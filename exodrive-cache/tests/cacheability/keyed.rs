//! A policy of the application's own: its time to live, unless something speaks against storing.

use std::time::Duration;

use exodrive_cache::{CachePolicy, Credentials, Origin, SetCookie};

use super::table::Says::{Bypass, Refuse, Store};
use super::table::{Row, Rule, Says, check};

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

const REQUESTS: &str = r#"
    store  |                                |
    store  | host: cars.example             |
    store  | accept-language: de            | a keyed header
    store  | x-forwarded-host: evil.example | removed before the handler
    store  | x-http-method-override: DELETE | removed before the handler
    store  | cache-control: no-cache        | a client has no say
    store  | cache-control: no-store        | a client has no say
    store  | pragma: no-cache               | a client has no say
    store  | range: bytes=0-1               | the whole answer is asked for
    store  | if-none-match: "other"         | answered by the cache
    store  | content-length: 0              | no body
    bypass | content-length: 3              | a body is in no key
    bypass | transfer-encoding: chunked     | a body is in no key
    bypass | authorization: Bearer x        | RFC 9111, section 3.5
    bypass | cookie: session=x              | credentials
    bypass | upgrade: websocket             | another protocol
    bypass | connection: upgrade            | another protocol
    bypass | host: a & host: b              | RFC 9112, section 3.2
"#;

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

const ANSWERS: &str = r#"
    store  |                                                    |
    store  | cache-control: public, max-age=1                   | the policy sets the time
    store  | cache-control: max-age=0                           | the policy sets the time
    store  | expires: 0                                         | the policy sets the time
    refuse | cache-control: no-store                            | RFC 9111, section 5.2.2.5
    refuse | cache-control: No-Store                            | RFC 9111, section 5.2: not case-sensitive
    refuse | cache-control: private                             | RFC 9111, section 5.2.2.7
    refuse | cache-control: no-cache                            | RFC 9111, section 5.2.2.4
    refuse | cache-control: max-age=60 & cache-control: private | several lines
    store  | cache-control: x="no-store"                        | RFC 9110, section 5.6.4: quoted
    refuse | set-cookie: session=x                              | what is set for one is not for all
    store  | vary: accept-language                              | keyed
    store  | vary: Accept-Language, accept-language             | keyed
    refuse | vary: cookie                                       | RFC 9111, section 4.1: not keyed
    refuse | vary: authorization                                | RFC 9111, section 4.1: not keyed
    refuse | vary: *                                            | RFC 9111, section 4.1
    refuse | vary: accept-language, *                           | RFC 9111, section 4.1
    refuse | vary: accept-language & vary: origin               | several lines
    refuse | content-type: text/event-stream                    | endless
    refuse | content-type: application/grpc+proto               | endless
    store  | content-type: text/html; charset=utf-8             |
    store  | content-length: 4                                  |
    refuse | content-length: 101                                | over the cap
    refuse | content-length: 5                                  | RFC 9111, section 3.3: incomplete
    store  | etag: "v1"                                         |
    store  | x-trace-id: 0123456789abcdef                       | not stored with the rest
    store  | connection: x-hop & x-hop: 1                       | RFC 9110, section 7.6.1
"#;

/// What both sides say of a GET that is answered with 200.
fn row(request: &Rule, answer: &Rule) -> Row {
    Row {
        method: "GET",
        request: request.lines.clone(),
        status: 200,
        answer: answer.lines.clone(),
        expected: Row::expect([request.says, answer.says]),
        source: format!("{}; {}", request.source, answer.source),
    }
}

fn rows(requests: &[Rule], answers: &[Rule]) -> Vec<Row> {
    let pairs = requests
        .iter()
        .flat_map(|request| answers.iter().map(move |answer| (request, answer)));
    pairs
        .map(|(request, answer)| row(request, answer))
        .collect()
}

fn plain() -> Vec<Rule> {
    Rule::read("store | |")
}

#[tokio::test]
async fn whatever_the_method_and_the_request() {
    let mut all = Vec::new();
    for (method, of_method, why) in METHODS {
        for request in Rule::read(REQUESTS) {
            all.push(Row {
                method,
                expected: Row::expect([of_method, request.says]),
                source: format!("{why}; {}", request.source),
                ..row(&request, &plain()[0])
            });
        }
    }
    assert_eq!(all.len(), 126);
    check(&policy(), &all).await;
}

#[tokio::test]
async fn whatever_the_status_and_the_header() {
    let mut all = Vec::new();
    for (status, of_status) in STATUSES {
        for answer in Rule::read(ANSWERS) {
            all.push(Row {
                status,
                expected: Row::expect([of_status, answer.says]),
                source: format!("only 200; {}", answer.source),
                ..row(&plain()[0], &answer)
            });
        }
    }
    assert_eq!(all.len(), 432);
    check(&policy(), &all).await;
}

#[tokio::test]
async fn whatever_both_sides_say() {
    let all = rows(&Rule::read(REQUESTS), &Rule::read(ANSWERS));
    assert_eq!(all.len(), 486);
    check(&policy(), &all).await;
}

#[tokio::test]
async fn what_a_policy_may_allow() {
    let cookie = Rule::read("store | set-cookie: session=x | the policy allows it");
    for allowed in [SetCookie::Strip, SetCookie::Store] {
        check(&policy().set_cookie(allowed), &rows(&plain(), &cookie)).await;
    }
    let directives = Rule::read(
        "store  | cache-control: no-store | the handler has no say
         store  | cache-control: private  | the handler has no say
         store  | cache-control: no-cache | the handler has no say
         refuse | vary: *                 | RFC 9111, section 4.1
         refuse | set-cookie: session=x   | not a directive",
    );
    check(
        &policy().origin(Origin::Ignore),
        &rows(&plain(), &directives),
    )
    .await;

    let credentials = Rule::read(
        "store | authorization: Bearer x | removed before the handler
         store | cookie: session=x       | removed before the handler",
    );
    check(
        &policy().credentials(Credentials::shared()),
        &rows(&credentials, &plain()),
    )
    .await;
    let nobody = Credentials::per_principal(|_| None);
    let all = rows(&Rule::read(REQUESTS), &plain());
    check(&policy().credentials(nobody), &all).await;
}
