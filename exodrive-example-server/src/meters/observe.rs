use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use super::{Observation, Pulse, requests};

/// Takes note of every answer that leaves, for [`axum::middleware::from_fn_with_state`].
///
/// A client that goes before it is answered is not counted.
pub(crate) async fn observe(State(pulse): State<Pulse>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map(MatchedPath::as_str);
    let observation = Observation::new(&method, route, &response, started.elapsed());
    requests::record(&observation);
    pulse.record(&observation);
    response
}
