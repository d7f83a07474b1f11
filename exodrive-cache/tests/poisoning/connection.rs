//! A server whose handler repeats everything that it sees, and clients that write what they like.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::OriginalUri;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use axum::routing::any;
use exodrive_cache::testing::settled;
use exodrive_cache::{Cache, CachePolicy, MemoryStore};
use http_body_util::BodyExt;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A header line that is longer makes the handler refuse, as origins do.
const LONGEST: usize = 2 << 10;

pub(crate) struct Server {
    address: SocketAddr,
    cache: Cache<MemoryStore>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let policy = CachePolicy::ttl(Duration::from_secs(600))
            .route("/cars/{id}")
            .query(["page"])
            .headers(["accept-language"]);
        let cache = Cache::builder(MemoryStore::default())
            .policy("car", policy)
            .build()
            .unwrap();
        let layer = cache.layer("car").unwrap();
        let app = Router::new().route("/cars/{id}", any(repeat).layer(layer));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, app).into_future());
        Self { address, cache }
    }

    pub(crate) async fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).await.unwrap();
        Connection(BufReader::new(stream))
    }

    /// Sends one request on a connection of its own, and waits until its answer is stored.
    pub(crate) async fn send(&self, request: &str) -> Answer {
        let answer = self.connect().await.send(request).await;
        settled(&self.cache).await;
        answer
    }

    /// Sends what an honest client sends.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(&get(path, "")).await
    }
}

/// Writes a GET with some more lines.
pub(crate) fn get(path: &str, lines: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: cars.example\r\n{lines}\r\n")
}

/// Repeats the whole request, in a header and in the body.
async fn repeat(request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let original = parts.extensions.get::<OriginalUri>();
    let seen = format!(
        "{} {} {:?} {:?} {body:?}",
        parts.method,
        parts.uri,
        parts.headers,
        original.map(|original| &original.0)
    );
    let refuses = parts.headers.values().any(|line| line.len() > LONGEST);
    let mut response = Response::new(Body::from(seen.clone()));
    if refuses {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    if let Ok(seen) = HeaderValue::try_from(seen) {
        response.headers_mut().insert("x-seen", seen);
    }
    response
}

pub(crate) struct Connection(BufReader<TcpStream>);

/// An answer as it came, line by line.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Connection {
    pub(crate) async fn send(&mut self, request: &str) -> Answer {
        self.0.write_all(request.as_bytes()).await.unwrap();
        self.receive().await
    }

    pub(crate) async fn receive(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = self.0.read_line(&mut head).await.unwrap();
            assert_ne!(read, 0, "closed after {head:?}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer {
            status,
            head,
            body: String::new(),
        };
        let length = answer.header("content-length").map(str::parse);
        let mut body = vec![0; length.map_or(0, Result::unwrap)];
        self.0.read_exact(&mut body).await.unwrap();
        answer.body = String::from_utf8(body).unwrap();
        answer
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(line, value)| line.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(crate) fn state(&self) -> &str {
        self.header("x-cache").unwrap_or("none")
    }

    pub(crate) fn contains(&self, text: &str) -> bool {
        self.head.contains(text) || self.body.contains(text)
    }
}
