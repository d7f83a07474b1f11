use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use super::{Observation, requests};

/// Takes note of every answer that leaves, for [`axum::middleware::from_fn`].
///
/// A client that goes before it is answered is not counted.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map(MatchedPath::as_str);
    let observation = Observation::new(&method, route, &response, started.elapsed());
    requests::record(&observation);
    response
}
