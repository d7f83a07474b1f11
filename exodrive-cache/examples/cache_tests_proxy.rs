//! A caching reverse proxy, to run the public HTTP cache tests against.
//!
//! ```text
//! cargo run --release -p exodrive-cache --features redis --example cache_tests_proxy -- 127.0.0.1:18081 127.0.0.1:18000
//! ```
//!
//! listens on the first address and forwards to the second. With a third argument, the URL of a Redis server, answers are kept
//! there as well as in memory.

#![expect(clippy::print_stdout, reason = "an example talks to the terminal")]

use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::{Cache, CachePolicy, MemoryStore, RedisStore, Store, TieredStore};
use exodrive_redis::RedisClient;
use http::header::{CONNECTION, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{Layer, service_fn};

type Forwarder = Client<HttpConnector, Incoming>;
type Body = BoxBody<Bytes, hyper::Error>;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(origin)) = (arguments.next(), arguments.next()) else {
        return Err("two arguments are needed: the address to listen on and the origin's".into());
    };
    let origin: Authority = origin.parse()?;
    let memory = MemoryStore::default();
    match arguments.next() {
        Some(url) => {
            let redis = RedisClient::builder(url).deadline(SECOND).build()?;
            redis.require(10 * SECOND).await?;
            let store = TieredStore::new(memory, RedisStore::new(redis));
            serve(store, &listen, origin).await
        }
        None => serve(memory, &listen, origin).await,
    }
}

async fn serve<St: Store>(
    store: St,
    listen: &str,
    origin: Authority,
) -> Result<(), Box<dyn Error>> {
    let cache = Cache::builder(store)
        .policy("proxy", CachePolicy::rfc9111())
        .build()?;
    let client: Forwarder = Client::builder(TokioExecutor::new()).build_http();
    let service = cache.layer("proxy")?.layer(service_fn(move |request| {
        let (client, origin) = (client.clone(), origin.clone());
        async move { Ok::<_, Infallible>(forward(&client, &origin, request).await) }
    }));

    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            // A connection that breaks concerns nobody but its client.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn forward(
    client: &Forwarder,
    origin: &Authority,
    mut request: Request<Incoming>,
) -> Response<Body> {
    remove_hop_by_hop(request.headers_mut());
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let uri = Uri::builder()
        .scheme("http")
        .authority(origin.clone())
        .path_and_query(target)
        .build();
    let (Ok(uri), Ok(host)) = (uri, HeaderValue::try_from(origin.as_str())) else {
        return bad_gateway();
    };
    *request.uri_mut() = uri;
    request.headers_mut().insert(HOST, host);
    match client.request(request).await {
        Ok(mut response) => {
            remove_hop_by_hop(response.headers_mut());
            response.map(BodyExt::boxed)
        }
        Err(_) => bad_gateway(),
    }
}

fn bad_gateway() -> Response<Body> {
    let body = Empty::new().map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

/// Removes what belongs to one connection (RFC 9110, section 7.6.1).
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let always = [CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
    let others = [
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
    ];
    for name in named.iter().chain(&always) {
        headers.remove(name);
    }
    for name in others {
        headers.remove(name);
    }
}
