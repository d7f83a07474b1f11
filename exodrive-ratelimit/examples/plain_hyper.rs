//! A limiter without a framework: hyper serves, and the address of each connection is put into its requests.
//!
//! ```sh
//! cargo run -p exodrive-ratelimit --example plain_hyper
//! ```

#![expect(clippy::unwrap_used, reason = "an example that fails should say so")]

use std::convert::Infallible;
use std::future::ready;

use exodrive_ratelimit::{Limit, MINUTE, MemoryStore, Peer, RateLimitLayer, RateLimiter};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn as hyper_service;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limiter = RateLimiter::builder(MemoryStore::default())
        .limit(Limit::sliding_window("public", 2, MINUTE).by_ip())
        .build()?;
    let serve =
        |_: Request<Incoming>| ready(Ok::<_, Infallible>(Response::new("hello".to_owned())));
    let service = RateLimitLayer::new(limiter).layer(service_fn(serve));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            let service = service.clone();
            // Who connected is known here and nowhere further in.
            let limited = hyper_service(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer));
                service.clone().oneshot(request)
            });
            let connection = server::Builder::new().serve_connection(TokioIo::new(stream), limited);
            tokio::spawn(async move { connection.await.unwrap() });
        }
    });

    let stream = TcpStream::connect(address).await?;
    let (mut requests, connection) = client::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    for expected in [
        StatusCode::OK,
        StatusCode::OK,
        StatusCode::TOO_MANY_REQUESTS,
    ] {
        let request = Request::get("/")
            .header("host", "localhost")
            .body(String::new())?;
        let response = requests.send_request(request).await?;
        assert_eq!(response.status(), expected);
        assert_eq!(response.headers()["x-ratelimit-limit"], "2");
    }
    Ok(())
}
