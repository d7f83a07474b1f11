use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, pause, sleep};

use super::*;
use crate::config::{Config, DatabaseUrl};
use crate::flags::{Feature, Rollout};
use crate::testing::{Engine, TestDatabase};

fn small() -> Config {
    let mut config = Config::default();
    config.listen_addr.set_port(0);
    config.cars = 10;
    config.bookings = 100;
    config
}

async fn get(running: &Running, path: &str) -> String {
    let mut connection = TcpStream::connect(running.address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn answers_over_a_socket_and_stops_completely() {
    let running = start(small()).await.unwrap();
    let response = get(&running, "/readyz").await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert_eq!(running.stop().await, Drained::Completely);
}

#[tokio::test]
async fn takes_its_temporary_database_along() {
    let running = start(small()).await.unwrap();
    let DatabaseUrl::Sqlite(file) = running.database().clone() else {
        panic!("{:?}", running.database());
    };
    assert!(file.exists());
    running.stop().await;
    assert!(!file.exists());
}

#[tokio::test]
async fn keeps_a_named_database_and_does_not_fill_it_twice() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("fleet.db");
    for cars in [10, 20] {
        let mut config = small();
        config.cars = cars;
        config.database_url = Some(DatabaseUrl::Sqlite(file.clone()));
        let running = start(config).await.unwrap();
        let fleet = running.repository().fleet(&Default::default()).await;
        assert_eq!(fleet.unwrap().total, 10);
        assert_eq!(running.stop().await, Drained::Completely);
    }
    assert!(file.exists());
}

#[tokio::test]
async fn instances_that_start_at_once_share_a_database() {
    let database = TestDatabase::new(Engine::Postgres).await;
    let instance = || {
        let mut config = small();
        config.database_url = Some(database.url.clone());
        start(config)
    };
    let (one, other) = tokio::try_join!(instance(), instance()).unwrap();
    let fleet = async |running: &Running| {
        let fleet = running.repository().fleet(&Default::default()).await;
        fleet.unwrap()
    };
    assert_eq!(fleet(&one).await, fleet(&other).await);
    assert_eq!(fleet(&one).await.total, 10);
}

#[tokio::test]
async fn names_the_server_that_cannot_be_reached_without_its_password() {
    let mut config = small();
    let url = "postgres://exodrive:hunter2@%2Fnowhere/fleet".parse();
    config.database_url = Some(url.unwrap());
    let error = start(config).await.unwrap_err();
    assert!(error.to_string().contains("postgres:///nowhere/fleet"));
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn names_the_address_that_is_taken() {
    let first = start(small()).await.unwrap();
    let mut config = small();
    config.listen_addr = first.address();
    let error = start(config).await.unwrap_err();
    let line = error.to_string();
    assert!(line.contains(&first.address().to_string()), "{line}");
    assert!(line.contains("LISTEN_ADDR"), "{line}");
}

#[tokio::test]
async fn names_the_database_that_cannot_be_used() {
    let mut config = small();
    config.database_url = Some(DatabaseUrl::Sqlite("/nowhere/fleet.db".into()));
    let line = start(config).await.unwrap_err().to_string();
    assert!(line.contains("/nowhere/fleet.db"), "{line}");
    assert!(line.contains("DATABASE_URL"), "{line}");
}

#[tokio::test]
async fn does_not_wait_for_a_client_past_the_drain_deadline() {
    let mut config = small();
    config.drain = Duration::from_millis(1);
    let running = start(config).await.unwrap();
    // The server asks for the body, which never comes: from then on the request is in flight.
    let mut connection = TcpStream::connect(running.address()).await.unwrap();
    let request = "POST /api/v1/bookings HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
        authorization: Bearer demo-premium-yuki\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n";
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; "HTTP/1.1 100".len()];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    assert_eq!(running.stop().await, Drained::Partly);
}

#[tokio::test]
async fn a_feature_that_is_off_is_not_there() {
    let mut config = small();
    config.rate_limit_max_requests = 2;
    let running = start(config).await.unwrap();
    let flags = &running.state().flags;
    let ask = async |path| get(&running, path).await.to_lowercase();

    let answer = ask("/api/v1/fleet").await;
    assert!(answer.contains("\r\nx-cache: miss\r\n"), "{answer}");
    flags.set(Feature::RedisCache, Rollout::OFF);
    let answer = ask("/api/v1/fleet").await;
    assert!(!answer.contains("\r\nx-cache:"), "{answer}");

    let answer = ask("/api/v1/fleet").await;
    assert!(answer.starts_with("http/1.1 429"), "{answer}");
    assert!(answer.contains("\r\nx-error-code: rate_limited\r\n"));
    flags.set(Feature::NewErrorHandler, Rollout::OFF);
    let answer = ask("/api/v1/fleet").await;
    assert!(answer.starts_with("http/1.1 429"), "{answer}");
    assert!(!answer.contains("\r\nx-error-code:"), "{answer}");

    flags.set(Feature::RateLimiting, Rollout::OFF);
    let answer = ask("/api/v1/fleet").await;
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(!answer.contains("\r\nx-ratelimit-limit:"), "{answer}");

    for feature in Feature::ALL {
        flags.set(feature, Rollout::ON);
    }
    let answer = ask("/healthz").await;
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(ask("/nowhere").await.contains("\r\nx-error-code:"));
}

#[tokio::test]
async fn hides_the_debug_routes_until_they_are_asked_for() {
    let running = start(small()).await.unwrap();
    let response = get(&running, "/debug/panic").await;
    assert!(response.starts_with("HTTP/1.1 404"), "{response}");
}

#[tokio::test]
async fn greets_with_commands_for_this_server() {
    let running = start(small()).await.unwrap();
    let welcome = running.welcome().await.unwrap();
    let base = format!("http://{}", running.address());
    assert_eq!(welcome.matches("curl ").count(), 3, "{welcome}");
    assert!(
        welcome.contains(&format!("{base}/api/v1/fleet?")),
        "{welcome}"
    );

    // The second command asks about the days that the third one books.
    let url = welcome.lines().find(|line| line.contains("/availability?"));
    let path = url.unwrap().split_once(&base).unwrap().1;
    let response = get(&running, path.trim_end_matches('\'')).await;
    assert!(response.contains(r#""available":true"#), "{response}");
}

/// Sends what comes first, and then a byte a second until the server closes the connection. Returns what the server
/// said meanwhile, and how many seconds it took.
///
/// The clock is paused from here on: it jumps ahead whenever nothing else is left to do.
async fn drip(mut connection: TcpStream, first: &str) -> (String, u64) {
    connection.write_all(first.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = connection.into_split();
    pause();
    let started = Instant::now();
    let dripping = tokio::spawn(async move {
        while writer.write_all(b"a").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let mut said = Vec::new();
    let mut buffer = [0; 1024];
    // A server that closes while bytes are on their way resets the connection.
    while let Ok(count @ 1..) = reader.read(&mut buffer).await {
        said.extend_from_slice(&buffer[..count]);
    }
    dripping.abort();
    let said = String::from_utf8(said).unwrap();
    (said, started.elapsed().as_secs())
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_not_waited_for() {
    let running = start(small()).await.unwrap();
    let connection = TcpStream::connect(running.address()).await.unwrap();
    let request = "POST /api/v1/bookings HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer demo-premium-yuki\r\n\
        content-type: application/json\r\ncontent-length: 60000\r\n\r\n";
    let (said, seconds) = drip(connection, request).await;
    assert!(said.starts_with("HTTP/1.1 503"), "{said}");
    assert!(
        said.contains("\r\nx-error-code: SERVICE_UNAVAILABLE\r\n"),
        "{said}"
    );
    assert!((10..15).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_header_that_comes_byte_by_byte_is_not_waited_for() {
    let running = start(small()).await.unwrap();
    for address in [running.address(), running.operations_address()] {
        for first in ["GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ", ""] {
            let connection = TcpStream::connect(address).await.unwrap();
            let (said, seconds) = drip(connection, first).await;
            tokio::time::resume();
            assert!(!said.starts_with("HTTP/1.1 2"), "{said}");
            assert!(seconds < 15, "{seconds} after {first:?}");
        }
    }
}

#[tokio::test]
async fn a_header_without_an_end_is_refused() {
    let running = start(small()).await.unwrap();
    let mut connection = TcpStream::connect(running.address()).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nx-long: {}", "a".repeat(100 << 10));
    // The server may close before it has read all of it.
    let _ = connection.write_all(head.as_bytes()).await;
    let mut said = Vec::new();
    let _ = connection.read_to_end(&mut said).await;
    assert!(!said.starts_with(b"HTTP/1.1 2"), "{said:?}");
}

#[tokio::test]
async fn connections_that_nobody_uses_are_closed() {
    let running = start(small()).await.unwrap();
    let mut used = TcpStream::connect(running.address()).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    used.write_all(request).await.unwrap();
    let mut answer = [0; 1024];
    assert_ne!(used.read(&mut answer).await.unwrap(), 0);
    let mut unused = Vec::new();
    for _ in 0..200 {
        unused.push(TcpStream::connect(running.address()).await.unwrap());
    }
    // It is not known yet whether these speak HTTP/2.
    for connection in unused.iter_mut().step_by(2) {
        connection.write_all(b"PRI * HT").await.unwrap();
    }
    pause();
    let started = Instant::now();
    for connection in &mut unused {
        assert_eq!(connection.read(&mut answer).await.unwrap(), 0);
    }
    let first = started.elapsed().as_secs();
    assert!((10..15).contains(&first), "{first}");
    assert_eq!(used.read(&mut answer).await.unwrap(), 0);
    let next = started.elapsed().as_secs();
    assert!((70..80).contains(&next), "{next}");
}
