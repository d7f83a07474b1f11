use axum::Router;
use axum::routing::get;

/// Routes that misbehave on purpose, to see what a client gets then. Not for production.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/debug/panic", get(fail))
}

async fn fail() {
    panic!("GET /debug/panic panics on purpose");
}
