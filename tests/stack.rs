//! The order of the layers, each step proved by what it does to an answer.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io;
use std::sync::{Arc, Mutex, Once};

use exodrive_tests::{NORA, OPERATIONS_TOKEN, Server, envelope, header};
use reqwest::Method;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// CORS -> compression -> tracing -> errors -> timeout and body limit -> rate limit by address ->
/// authentication -> rate limit by user -> cache -> router.
#[tokio::test]
async fn the_layers_stand_in_their_order() {
    let (log, _guard) = Log::start();
    let server = Server::start_with(|config| config.rate_limit_max_requests = 3).await;

    // CORS is outside the limits: a preflight is answered by it and charged to nobody.
    for _ in 0..5 {
        let preflight = server
            .request(Method::OPTIONS, "/api/v1/bookings")
            .header("origin", "https://shop.example")
            .header("access-control-request-method", "POST")
            .send()
            .await
            .unwrap();
        assert_eq!(preflight.status(), 200);
        assert_eq!(header(&preflight, "access-control-allow-origin"), Some("*"));
        assert_eq!(header(&preflight, "ratelimit"), None);
    }

    // Compression is outside the errors: an envelope comes compressed.
    let compressed = server
        .request(Method::GET, "/nowhere")
        .header("accept-encoding", "gzip")
        .header("origin", "https://shop.example")
        .send()
        .await
        .unwrap();
    assert_eq!(header(&compressed, "content-encoding"), Some("gzip"));
    assert_eq!(header(&compressed, "x-error-code"), Some("NOT_FOUND"));
    assert_eq!(
        header(&compressed, "access-control-allow-origin"),
        Some("*")
    );

    // Tracing is outside the errors: the failure is logged inside the request's span, once.
    let lines = log.lines_with("NOT_FOUND");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains(r#"request{method=GET path="/nowhere"}"#),
        "{lines:?}"
    );

    // Errors are outside the body limit, and the body limit outside the limits by address.
    let oversize = server
        .request(Method::POST, "/api/v1/bookings")
        .body(vec![b'x'; 100_000])
        .send()
        .await
        .unwrap();
    assert_eq!(header(&oversize, "ratelimit"), None);
    assert_eq!(
        envelope(oversize).await["error"]["code"],
        "PAYLOAD_TOO_LARGE"
    );

    // The limit by address is outside authentication: a refused key is charged, by address only.
    let unknown = server.get_as("nobody", "/api/v1/fleet").await;
    let policy = header(&unknown, "ratelimit-policy").unwrap();
    assert!(policy.contains("\"authentication\"") && !policy.contains("\"authenticated\""));
    assert_eq!(header(&unknown, "x-cache"), None);
    assert_eq!(unknown.status(), 401);

    // Authentication is outside the limit by user, which knows whom to charge.
    let signed_in = server.get_as(NORA, "/api/v1/fleet").await;
    let policy = header(&signed_in, "ratelimit-policy").unwrap();
    assert!(policy.contains("\"authentication\"") && policy.contains("\"authenticated\""));

    // Limits are outside the cache: a hit is charged, and its headers are its own.
    let queries = server.queries();
    let first = server.get("/api/v1/fleet").await;
    let second = server.get("/api/v1/fleet").await;
    for hit in [&first, &second] {
        assert_eq!(header(hit, "x-cache"), Some("HIT"));
        assert!(header(hit, "x-trace-id").is_some());
    }
    let remaining = |response| header(response, "x-ratelimit-remaining").map(str::to_owned);
    assert_eq!(remaining(&first).as_deref(), Some("1"));
    assert_eq!(remaining(&second).as_deref(), Some("0"));

    // A refused request reaches neither the cache nor the router.
    let refused = server.get("/api/v1/fleet").await;
    assert_eq!(header(&refused, "x-cache"), None);
    assert_eq!(envelope(refused).await["error"]["code"], "RATE_LIMITED");

    // The cache is outside the router's handlers: hits read nothing.
    assert_eq!(server.queries(), queries);
}

#[tokio::test]
async fn each_failure_is_one_line_of_the_log() {
    let (log, _guard) = Log::start();
    let server = Server::start_with(|config| {
        config.debug_routes = true;
        config.rate_limit_max_requests = 8;
    })
    .await;
    // The limiter says, besides, whom it begins to refuse.
    let failures = || {
        let of_limiter = |line: &String| line.contains(" exodrive_ratelimit::");
        let lines = log.lines_with("").into_iter();
        lines.filter(|line| !of_limiter(line)).collect::<Vec<_>>()
    };
    let started = failures().len();

    let huge = "x".repeat(100_000);
    let rows = [
        (None, Method::GET, "/nowhere", "", 404),
        (None, Method::PATCH, "/api/v1/fleet", "", 405),
        (None, Method::GET, "/api/v1/fleet?page=x", "", 400),
        (None, Method::GET, "/api/v1/fleet?page=0", "", 422),
        (None, Method::GET, "/api/v1/cars/none", "", 404),
        (None, Method::HEAD, "/api/v1/cars/none", "", 404),
        (None, Method::POST, "/api/v1/bookings", "{}", 401),
        (None, Method::GET, "/debug/panic", "", 500),
        // The eight requests of an anonymous client are used up.
        (None, Method::GET, "/api/v1/fleet", "", 429),
        (Some("forged"), Method::GET, "/api/v1/fleet", "", 401),
        (Some(NORA), Method::POST, "/api/v1/cars", "{}", 403),
        (Some(NORA), Method::POST, "/api/v1/bookings", "{", 400),
        (Some(NORA), Method::POST, "/api/v1/bookings", "{}", 422),
        (Some(NORA), Method::POST, "/api/v1/bookings", &huge, 413),
    ];
    for (index, (key, method, path, body, status)) in rows.into_iter().enumerate() {
        let mut request = server.request(method.clone(), path).body(body.to_owned());
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request.header("content-type", "application/json");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{method} {path}");
        let trace_id = header(&response, "x-trace-id").unwrap();
        let lines = log.lines_with(trace_id);
        assert_eq!(lines.len(), 1, "{method} {path}: {lines:?}");
        let all = failures();
        assert_eq!(all.len(), started + index + 1, "{method} {path}: {all:?}");
    }
}

#[tokio::test]
async fn operations_are_written_down_and_secrets_are_not() {
    const GUESS: &str = "a-guess-at-a-token-of-32-bytes-or-more";
    let (log, _guard) = Log::start();
    let server = Server::start_with(|config| {
        config.admin_token = Some(OPERATIONS_TOKEN.parse().unwrap());
        config.redis_url = Some("redis://:hunter2@127.0.0.1:1".parse().unwrap());
    })
    .await;
    for (token, status) in [(GUESS, 401), (OPERATIONS_TOKEN, 204)] {
        let request = server.operations(Method::POST, "/ops/api/check");
        let answer = request.bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    for key in [NORA, "demo-of-nobody"] {
        server.get_as(key, "/api/v1/cars/none").await;
    }
    let audit = log.lines_with(" audit: ");
    assert_eq!(audit.len(), 2, "{audit:?}");
    assert!(audit[0].contains("wrong token") && audit[1].contains("204"));
    assert!(audit.iter().all(|line| line.contains("peer=127.0.0.1")));
    for secret in [GUESS, OPERATIONS_TOKEN, "hunter2", "demo-"] {
        assert_eq!(log.lines_with(secret), [""; 0]);
    }
}

/// What nobody listens to is remembered for the whole process. With a default that wants everything, no event is
/// taken for unwanted while another test begins to listen.
fn listen_everywhere() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
    });
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Listens to this thread; the runtime of a test has no other, so that is the log of the server, too.
    fn start() -> (Self, DefaultGuard) {
        listen_everywhere();
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(log.clone())
            .with_ansi(false)
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn lines_with(&self, text: &str) -> Vec<String> {
        let log = self.0.lock().unwrap();
        let lines = std::str::from_utf8(&log).unwrap().lines();
        lines
            .filter(|line| line.contains(text))
            .map(str::to_owned)
            .collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
