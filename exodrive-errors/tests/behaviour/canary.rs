//! Secrets put into every part of a request and every source of an error appear in no response and in no log line, and
//! nothing hostile breaks a line.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;

use exodrive_errors::ApiError;
use exodrive_errors::BoxError;
use exodrive_errors::ErrorCode;
use exodrive_errors::ErrorLayer;
use http::HeaderValue;
use http::Request;
use http::Response;
use http_body_util::Full;
use proptest::prelude::*;
use tracing::subscriber::DefaultGuard;

use crate::support::Answer;
use crate::support::TestRequest;
use crate::support::TestResponse;
use crate::support::listen_everywhere;
use crate::support::through;

const CANARY: &str = "c4n4ry7A9";

/// What a real text formatter writes while this is alive.
struct Lines {
    written: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

#[derive(Clone)]
struct Writer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn start(json: bool) -> Self {
        listen_everywhere();
        let written = Arc::default();
        let writer = Writer(Arc::clone(&written));
        let format = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        let guard = match json {
            true => tracing::subscriber::set_default(format.json().finish()),
            false => tracing::subscriber::set_default(format.finish()),
        };
        Self {
            written,
            _guard: guard,
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }
}

/// A secret in each part of a request.
fn poisoned_request() -> TestRequest {
    Request::post(format!("/cars/{CANARY}?password={CANARY}&{CANARY}"))
        .header("authorization", format!("Bearer {CANARY}"))
        .header("cookie", format!("session={CANARY}"))
        .header("x-api-key", CANARY)
        .header("x-trace-id", format!("{CANARY} not an id"))
        .header("traceparent", format!("00-{CANARY}"))
        .header("user-agent", CANARY)
        .body(Full::from(format!("{{\"password\":\"{CANARY}\"}}")))
        .unwrap()
}

/// Forms in which credentials appear in the texts of errors.
fn poisoned_texts() -> Vec<String> {
    vec![
        format!("could not connect to redis://:{CANARY}@cache:6379"),
        format!("could not connect to postgres://app:{CANARY}@db/cars?sslmode=require"),
        format!("GET https://api.example/v1?key={CANARY} timed out"),
        format!("https://user:p/{CANARY}#x@host/"),
        format!("refused: Authorization: Bearer {CANARY}"),
        format!("header bearer {CANARY}, retrying"),
        format!("header Basic {CANARY}== refused"),
        format!("config {{ \"client_secret\": \"{CANARY}\" }}"),
        format!("password='{CANARY} with spaces' rejected"),
        format!("PWD={CANARY};Server=db"),
        format!("Cookie: a=1; session={CANARY}; b=2"),
        // The cut must not come before the redaction.
        format!("{} redis://:{CANARY}@cache", "x".repeat(1015)),
        format!("redis://:{}{CANARY}@cache", "p".repeat(2000)),
    ]
}

type Respond = fn(String) -> Result<TestResponse, BoxError>;

/// The ways a text reaches the log.
fn ways() -> Vec<(&'static str, Respond)> {
    vec![
        ("the source of an error", |text| {
            Ok(ApiError::new(ErrorCode::DATABASE_ERROR).source(text).into())
        }),
        ("the source of a source", |text| {
            let inner = io::Error::other(text);
            Ok(ApiError::new(ErrorCode::CACHE_ERROR)
                .source(io::Error::other(inner))
                .into())
        }),
        ("a service error", |text| Err(text.into())),
        ("a panic", |text| panic!("{text}")),
        ("log context", |text| {
            Ok(ApiError::new(ErrorCode::CONFLICT)
                .log_context("upstream", text)
                .into())
        }),
        ("the text of a foreign 5xx", |text| {
            let response = Response::builder()
                .status(502)
                .header("content-type", "text/plain");
            Ok(response.body(text.into()).unwrap())
        }),
    ]
}

async fn answer(request: TestRequest, respond: Respond, text: String) -> Answer {
    through(ErrorLayer::new(), request, |_| {
        let text = text.clone();
        async move { respond(text) }
    })
    .await
}

fn assert_clean(what: &str, answer: &Answer, log: &str) {
    let body = String::from_utf8_lossy(&answer.body);
    assert!(!body.contains(CANARY), "{what}: {body}");
    assert!(
        !format!("{:?}", answer.parts.headers).contains(CANARY),
        "{what}"
    );
    assert!(!log.contains(CANARY), "{what}: {log}");
    assert_eq!(log.lines().count(), 1, "{what}: {log}");
}

#[tokio::test]
async fn no_secret_reaches_a_client_or_the_log() {
    for json in [false, true] {
        for (way, respond) in ways() {
            for text in poisoned_texts() {
                let log = Lines::start(json);
                let answer = answer(poisoned_request(), respond, text.clone()).await;
                assert_clean(&format!("{way}: {text}"), &answer, &log.text());
            }
        }
    }
}

#[tokio::test]
async fn an_error_prints_none_of_its_secrets() {
    let error = ApiError::new(ErrorCode::DATABASE_ERROR)
        .source(CANARY)
        .log_context("key", CANARY)
        .details(serde_json::json!({"key": CANARY}))
        .header(http::header::SET_COOKIE, HeaderValue::from_static(CANARY));
    for printed in [
        error.to_string(),
        format!("{error:?}"),
        format!("{error:#?}"),
    ] {
        assert!(!printed.contains(CANARY), "{printed}");
    }
}

#[tokio::test]
async fn nothing_hostile_breaks_a_line() {
    let mebibyte = "A".repeat(1 << 20);
    let hostile = [
        "a\nERROR forged: all is well",
        "a\r\nb",
        "\x1b[2J\x1b[1;1H\x07\x08",
        "\u{202e}gnp.exe\u{2066}\u{2028}\u{2029}\u{85}\u{9b}31m",
        "nul\0nul",
        &mebibyte,
    ];
    for json in [false, true] {
        for (way, respond) in ways() {
            for text in hostile {
                let log = Lines::start(json);
                let answer = answer(poisoned_request(), respond, text.to_owned()).await;
                let log = log.text();
                let what = format!(
                    "{way}: {}",
                    text.escape_default().take(10).collect::<String>()
                );
                assert_clean(&what, &answer, &log);
                assert!(log.len() < 4096, "{what}: {} bytes", log.len());
                let line = log.trim_end_matches('\n');
                let control = |c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c);
                assert!(!line.contains(control), "{what}: {line:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_mebibyte_in_every_header_changes_nothing() {
    let huge = HeaderValue::from_str(&"A".repeat(1 << 20)).unwrap();
    let mut request = poisoned_request();
    for value in request.headers_mut().values_mut() {
        *value = huge.clone();
    }
    for name in ["accept", "content-type", "retry-after"] {
        request.headers_mut().insert(name, huge.clone());
    }
    let log = Lines::start(false);
    let answer = answer(request, |_| Err("lost".into()), String::new()).await;
    assert_eq!(answer.header("x-trace-id").unwrap().len(), 32);
    let log = log.text();
    assert_clean("huge headers", &answer, &log);
    assert!(log.len() < 1024);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_chain_of_sources_reaches_a_client(
        texts in proptest::collection::vec("\\PC{0,20}", 1..5),
        code in proptest::sample::select(ErrorCode::STANDARD),
    ) {
        let mut source: BoxError = CANARY.into();
        for text in texts {
            source = Box::new(io::Error::other(format!("{text}: {source}")));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut error = Some(ApiError::new(code).source(source));
        let answer = runtime.block_on(through(ErrorLayer::new(), poisoned_request(), move |_| {
            let error = error.take().unwrap();
            async { Ok(error.into()) }
        }));
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        prop_assert!(!body.contains(CANARY), "{}", body);
        let headers = format!("{:?}", answer.parts.headers);
        prop_assert!(!headers.contains(CANARY), "{}", headers);
    }
}
