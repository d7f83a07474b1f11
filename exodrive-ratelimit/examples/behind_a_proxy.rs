//! Clients told apart behind proxies, and forged headers seen through.

use std::convert::Infallible;
use std::error::Error;
use std::net::IpAddr;

use exodrive_ratelimit::{
    ClientIp, IpNet, Limit, MINUTE, MemoryStore, Peer, RateLimitLayer, RateLimiter,
};
use http::{Request, Response, StatusCode};
use tower::{Layer, Service, ServiceExt, service_fn};

/// A request from a peer that says it forwards for someone.
fn forwarded(peer: &str, forwarded_for: &str) -> Result<Request<()>, Box<dyn Error>> {
    let peer: IpAddr = peer.parse()?;
    let request = Request::get("/cars")
        .header("x-forwarded-for", forwarded_for)
        .extension(Peer((peer, 4711).into()));
    Ok(request.body(())?)
}

async fn status<S>(service: &S, request: Request<()>) -> StatusCode
where
    S: Service<Request<()>, Response = Response<()>, Error = Infallible> + Clone,
{
    match service.clone().oneshot(request).await {
        Ok(response) => response.status(),
        Err(never) => match never {},
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let proxies: [IpNet; 2] = ["10.0.0.0/8".parse()?, "fd00::/8".parse()?];
    let limiter = RateLimiter::builder(MemoryStore::default())
        .client_ip(ClientIp::trusted_proxies(proxies))
        .limit(Limit::sliding_window("public", 1, MINUTE).by_ip())
        .build()?;
    let serve = service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(())) });
    let service = RateLimitLayer::new(limiter).layer(serve);

    // Two clients behind the same proxy have a quota each.
    for client in ["192.0.2.1", "192.0.2.2"] {
        assert_eq!(status(&service, forwarded("10.0.0.1", client)?).await, 200);
        assert_eq!(status(&service, forwarded("10.0.0.1", client)?).await, 429);
    }
    // What a client writes in front of what the proxies add changes nothing.
    let forged = "198.51.100.9, 192.0.2.1, 10.0.0.2";
    assert_eq!(status(&service, forwarded("10.0.0.1", forged)?).await, 429);
    // Nor does the header of a peer that is no proxy.
    assert_eq!(
        status(&service, forwarded("203.0.113.5", "192.0.2.3")?).await,
        200
    );
    assert_eq!(
        status(&service, forwarded("203.0.113.5", "192.0.2.4")?).await,
        429
    );
    // A client with a whole IPv6 network is still one client.
    assert_eq!(
        status(&service, forwarded("fd00::1", "2001:db8::1")?).await,
        200
    );
    assert_eq!(
        status(&service, forwarded("fd00::1", "2001:db8::ffff:2")?).await,
        429
    );
    Ok(())
}
