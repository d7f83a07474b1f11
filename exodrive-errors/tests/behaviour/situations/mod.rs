//! One table of requests and responses, and what leaves the layer for each.

mod errors;
mod others;
mod requests;

use std::time::Duration;

use bytes::Bytes;
use exodrive_errors::ApiError;
use exodrive_errors::BoxError;
use exodrive_errors::ErrorCode;
use exodrive_errors::ErrorLayer;
use exodrive_errors::FieldViolation;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::Full;
use serde_json::Value;
use serde_json::json;

use crate::support::Answer;
use crate::support::TestRequest;
use crate::support::TestResponse;
use crate::support::through;

const OUT_OF_CARS: ErrorCode = ErrorCode::new("OUT_OF_CARS", StatusCode::CONFLICT)
    .message("No car left")
    .help("Try another city.");

/// What another middleware leaves in the extensions of its refusals.
#[derive(Clone)]
struct Refusal {
    limit: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("the pool is exhausted")]
struct PoolExhausted;

#[derive(Debug, thiserror::Error)]
#[error("query failed")]
struct QueryFailed(#[source] BoxError);

type Outcome = Result<TestResponse, BoxError>;

/// A situation, and what must leave.
struct Case {
    name: &'static str,
    request: TestRequest,
    respond: Box<dyn FnOnce() -> Outcome>,
    status: u16,
    expect: Expect,
}

enum Expect {
    /// An envelope of this code; the list holds headers and, under JSON pointers, members that must be there.
    Envelope(&'static str, Vec<(&'static str, Value)>),
    /// The body of the service inside, as it was.
    Passed(&'static str),
}
use Expect::Envelope;
use Expect::Passed;

fn case(
    name: &'static str,
    request: http::request::Builder,
    respond: impl FnOnce() -> Outcome + 'static,
    status: u16,
    expect: Expect,
) -> Case {
    Case {
        name,
        request: request.body(Full::default()).unwrap(),
        respond: Box::new(respond),
        status,
        expect,
    }
}

fn get() -> http::request::Builder {
    Request::get("/cars?secret=1")
}

/// A foreign response.
fn foreign(status: u16, headers: &[(&str, &'static str)], body: &'static str) -> Outcome {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Ok(response
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .unwrap())
}

fn api(error: ApiError) -> Outcome {
    Ok(error.into())
}

fn with_extension(mut response: TestResponse, value: Refusal) -> Outcome {
    response.extensions_mut().insert(value);
    Ok(response)
}

const TEXT: (&str, &str) = ("content-type", "text/plain; charset=utf-8");
const JSON: (&str, &str) = ("content-type", "application/json");

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(others::empty_foreign_bodies());
    cases.extend(others::foreign_text());
    cases.extend(others::foreign_documents());
    cases.extend(others::headers_of_foreign_responses());
    cases.extend(errors::errors_of_handlers());
    cases.extend(errors::values_of_other_middleware());
    cases.extend(errors::service_errors_and_panics());
    cases.extend(requests::kinds_of_requests());
    cases.extend(requests::successes());
    cases
}

fn layer() -> ErrorLayer {
    ErrorLayer::new()
        .recognize(|refusal: &Refusal| {
            ApiError::new(ErrorCode::RATE_LIMITED).details(json!({"limit": refusal.limit}))
        })
        .map_service_error(|_: &PoolExhausted| {
            ApiError::new(ErrorCode::SERVICE_UNAVAILABLE).retry_after(Duration::from_secs(2))
        })
}

/// The rules every envelope keeps.
fn check_envelope(name: &str, answer: &Answer, code: &str) {
    let document = answer.json();
    let status = answer.status().as_u16();
    assert_eq!(document["status"], status, "{name}");
    assert_eq!(document["error"]["code"], code, "{name}");
    assert_eq!(answer.header("x-error-code"), Some(code), "{name}");
    assert_eq!(
        document["error"]["traceId"],
        answer.header("x-trace-id").unwrap(),
        "{name}"
    );
    assert_ne!(document["error"]["message"], "", "{name}");
    assert_eq!(
        answer.header("x-content-type-options"),
        Some("nosniff"),
        "{name}"
    );
    assert!(answer.header("cache-control").is_some(), "{name}");
    assert_eq!(
        answer.header("content-length"),
        Some(&*answer.body.len().to_string()),
        "{name}"
    );
    assert_eq!(
        document["error"]
            .get("details")
            .filter(|details| details.is_null()),
        None,
        "{name}"
    );
    let timestamp = document["error"]["timestamp"].as_str().unwrap();
    assert!(
        timestamp.len() == 24 && timestamp.ends_with('Z'),
        "{name}: {timestamp}"
    );

    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let order = [
        "{\"",
        "error\":{\"code\":",
        ",\"message\":",
        ",\"timestamp\":",
        ",\"traceId\":",
        "},\"status\":",
    ];
    let places: Vec<_> = order.iter().map(|member| text.find(member)).collect();
    assert!(places.is_sorted() && places[0] == Some(0), "{name}: {text}");
    for secret in [
        "db.internal",
        "relation cars",
        "src/db.rs",
        "10.0.0.7",
        "on purpose",
        "exhausted",
    ] {
        assert!(!text.contains(secret), "{name}: {text}");
    }
}

#[tokio::test]
async fn every_situation_leaves_as_it_should() {
    let cases = cases();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    for Case {
        name,
        request,
        respond,
        status,
        expect,
    } in cases
    {
        let mut respond = Some(respond);
        let handler = move |_| {
            let respond = respond.take().unwrap();
            async move { respond() }
        };
        let answer = through(layer(), request, handler).await;
        assert_eq!(answer.status(), status, "{name}");
        match expect {
            Passed(body) => {
                assert_eq!(answer.body, body, "{name}");
                assert!(answer.header("x-trace-id").is_some(), "{name}");
                assert_eq!(answer.header("x-error-code"), None, "{name}");
            }
            Envelope(code, expected) => {
                check_envelope(name, &answer, code);
                let document = answer.json();
                for (place, value) in expected {
                    let found = match place.starts_with('/') {
                        true => document.pointer(place).cloned(),
                        false => answer.header(place).map(Value::from),
                    };
                    assert_eq!(found.unwrap_or_default(), value, "{name}: {place}");
                }
            }
        }
    }
}

#[tokio::test]
async fn head_is_answered_like_get_without_the_body() {
    let respond = |_| async { Ok(ApiError::new(OUT_OF_CARS).into()) };
    let get = through(layer(), get().body(Full::default()).unwrap(), respond).await;
    let head = Request::head("/cars").body(Full::default()).unwrap();
    let head = through(layer(), head, respond).await;
    assert_eq!(head.status(), get.status());
    assert_eq!(head.header("content-length"), get.header("content-length"));
    assert_eq!(head.header("content-type"), get.header("content-type"));
    assert_eq!(head.header("x-error-code"), Some("OUT_OF_CARS"));
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn head_keeps_what_a_foreign_body_would_have_been() {
    for (headers, code) in [
        (&[JSON, ("content-length", "18")][..], None),
        (&[("content-type", "text/html")], None),
        (&[], Some("NOT_FOUND")),
        (&[TEXT, ("content-length", "9")], Some("NOT_FOUND")),
        (&[JSON, ("content-length", "0")], Some("NOT_FOUND")),
    ] {
        let request = Request::head("/cars").body(Full::default()).unwrap();
        let answer = through(layer(), request, |_| async { foreign(404, headers, "") }).await;
        assert_eq!(answer.header("x-error-code"), code, "{headers:?}");
        assert!(answer.body.is_empty());
        if code.is_some() {
            assert_ne!(answer.header("content-length"), Some("0"));
        }
    }
}

#[tokio::test]
async fn repeated_headers_stay_repeated() {
    let respond = |_| async {
        let cookies = [("set-cookie", "a=1"), ("set-cookie", "b=2")];
        let challenges = [
            ("www-authenticate", "Basic"),
            ("www-authenticate", "Bearer"),
        ];
        foreign(401, &[cookies, challenges].concat(), "")
    };
    let answer = through(layer(), get().body(Full::default()).unwrap(), respond).await;
    let all = |name| answer.parts.headers.get_all(name).iter().count();
    assert_eq!((all("set-cookie"), all("www-authenticate")), (2, 2));

    let respond = |_| async {
        let challenge = |scheme| HeaderValue::from_static(scheme);
        api(ApiError::new(ErrorCode::UNAUTHORIZED)
            .header(header::WWW_AUTHENTICATE, challenge("Basic"))
            .header(header::WWW_AUTHENTICATE, challenge("Bearer")))
    };
    let answer = through(layer(), get().body(Full::default()).unwrap(), respond).await;
    let challenges = answer.parts.headers.get_all("www-authenticate");
    assert_eq!(challenges.iter().count(), 2);
}

#[tokio::test]
async fn documentation_is_named_on_every_failure_and_support_on_5xx() {
    let layer = || {
        ErrorLayer::new()
            .docs_url("https://docs.example/errors#")
            .support("help@example.com")
    };
    for (status, help) in [
        (
            404,
            json!({"docsUrl": "https://docs.example/errors#NOT_FOUND"}),
        ),
        (
            500,
            json!({"docsUrl": "https://docs.example/errors#INTERNAL_ERROR", "support": "help@example.com"}),
        ),
    ] {
        let request = get().body(Full::default()).unwrap();
        let answer = through(layer(), request, |_| async { foreign(status, &[], "") }).await;
        assert_eq!(answer.json()["error"]["details"]["help"], help);
    }
    let request = get()
        .header("accept", "application/problem+json")
        .body(Full::default())
        .unwrap();
    let answer = through(layer(), request, |_| async { foreign(404, &[], "") }).await;
    assert_eq!(
        answer.json()["type"],
        "https://docs.example/errors#NOT_FOUND"
    );
    assert!(answer.body.starts_with(b"{\"type\":\"https:"));
}

#[tokio::test]
async fn an_error_is_a_whole_envelope_without_the_layer_too() {
    let response: TestResponse = ApiError::new(OUT_OF_CARS).into();
    let service = crate::support::always(move || response.clone());
    let answer = crate::support::send(service, get().body(Full::default()).unwrap()).await;
    check_envelope("without the layer", &answer, "OUT_OF_CARS");
}

#[tokio::test]
async fn a_wait_that_was_recognized_replaces_the_one_that_was_there() {
    let layer = ErrorLayer::new().recognize(|refusal: &Refusal| {
        ApiError::new(ErrorCode::RATE_LIMITED).retry_after(Duration::from_secs(refusal.limit))
    });
    let answer = through(layer, get().body(Full::default()).unwrap(), |_| async {
        let refused = foreign(429, &[("retry-after", "9")], "").unwrap();
        with_extension(refused, Refusal { limit: 60 })
    })
    .await;
    let waits = answer.parts.headers.get_all("retry-after");
    assert_eq!(waits.iter().collect::<Vec<_>>(), ["60"]);
    assert_eq!(answer.json()["error"]["details"]["retryAfter"], 60);
}

#[tokio::test]
async fn a_refusal_is_written_exactly_as_documented() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = get()
        .header("traceparent", parent)
        .body(Full::default())
        .unwrap();
    let answer = through(layer(), request, |_| async {
        foreign(429, &[("retry-after", "37")], "")
    })
    .await;
    let written = String::from_utf8(answer.body.to_vec()).unwrap();
    let timestamp = answer.json()["error"]["timestamp"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        written.replace(&timestamp, "2026-01-21T12:34:56.789Z"),
        concat!(
            r#"{"error":{"code":"RATE_LIMITED","message":"Too many requests, please try again later","#,
            r#""details":{"retryAfter":37},"timestamp":"2026-01-21T12:34:56.789Z","#,
            r#""traceId":"4bf92f3577b34da6a3ce929d0e0e4736"},"status":429}"#,
        )
    );
    assert_eq!(
        headers_of(&answer),
        [
            "cache-control",
            "content-length",
            "content-type",
            "retry-after",
            "x-content-type-options",
            "x-error-code",
            "x-trace-id",
        ]
    );
}

fn headers_of(answer: &Answer) -> Vec<&str> {
    let names = answer.parts.headers.keys().map(HeaderName::as_str);
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn details_are_written_in_their_order() {
    let answer = through(layer(), get().body(Full::default()).unwrap(), |_| async {
        let violation = FieldViolation::body("/name", "REQUIRED", "Please enter a name");
        api(ApiError::new(ErrorCode::VALIDATION_ERROR)
            .details(json!({"zone": 1}))
            .violation(violation)
            .help("Fill it in.")
            .retry_after(Duration::from_secs(1)))
    })
    .await;
    let written = String::from_utf8(answer.body.to_vec()).unwrap();
    let details = concat!(
        r#""details":{"zone":1,"retryAfter":1,"errors":[{"pointer":"/name","in":"body","code":"REQUIRED","#,
        r#""message":"Please enter a name"}],"help":{"steps":["Fill it in."]}},"timestamp""#,
    );
    assert!(written.contains(details), "{written}");
}
