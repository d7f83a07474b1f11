use axum::Json;
use axum::extract::State;
use exodrive_errors::{ApiError, ErrorCode};
use serde::Serialize;

use crate::AppState;

#[derive(Serialize)]
pub(super) struct Health {
    status: &'static str,
}

/// The process answers.
pub(super) async fn live() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The process can do its work.
pub(super) async fn ready(State(state): State<AppState>) -> Result<Json<Health>, ApiError> {
    state.repository.ping().await.map_err(|error| {
        ApiError::new(ErrorCode::SERVICE_UNAVAILABLE)
            .message("The database does not answer")
            .source(error)
    })?;
    Ok(Json(Health { status: "ready" }))
}
