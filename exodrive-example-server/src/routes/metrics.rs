use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;

use crate::AppState;

/// What this instance has counted
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "service",
    operation_id = "showMetrics",
    responses((
        status = 200,
        description = "Counters, gauges and histograms in the text format of Prometheus",
        body = String,
        content_type = "text/plain",
    )),
)]
pub(super) async fn show(State(state): State<AppState>) -> impl IntoResponse {
    let text = state.exposition.render(&state);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
