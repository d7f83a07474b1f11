//! One connection: what it may take its time for, and how much of the memory it may have.

use std::future::pending;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tower::Service;

/// How long the head of the first request may take.
const FIRST: Duration = Duration::from_secs(10);
/// How long the head of each further request may take from the answer before it on. Longer than proxies keep a
/// connection that they do not use, often a minute, so that they never send on one that is being closed here.
const NEXT: Duration = Duration::from_secs(75);
/// How often a client of HTTP/2 that says nothing is asked whether it is there.
const STILL_THERE: Duration = Duration::from_secs(20);
/// How much is kept of a head that is not complete, or of an answer that is not sent.
const MAX_BUFFER: usize = 64 << 10;

/// Answers the requests of a connection. Told to stop, it ends after those that are there.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut told: watch::Receiver<()>,
) {
    let asked = Arc::new(Notify::new());
    let service = service_fn(|mut request: Request<Incoming>| {
        asked.notify_one();
        request.extensions_mut().insert(ConnectInfo(peer));
        // A router is always ready.
        router.clone().call(request)
    });
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut silence = pin!(silence(&asked));
    let mut is_stopping = false;
    loop {
        tokio::select! {
            // What went wrong is between the client and its network.
            _ = connection.as_mut() => return,
            () = silence.as_mut() => return,
            _ = told.changed(), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(NEXT)
        .max_buf_size(MAX_BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(STILL_THERE);
    builder
}

/// Ends if no first request comes in time.
///
/// The deadlines of the protocols begin when it is known which of them the client speaks, and it may be slow to show.
async fn silence(asked: &Notify) {
    if timeout(FIRST, asked.notified()).await.is_ok() {
        pending().await
    }
}
