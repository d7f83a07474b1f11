use axum::Json;
use axum::extract::State;
use exodrive_errors::{ApiError, ErrorCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::AppState;

/// How the process is.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// One word.
    status: &'static str,
}

/// Whether the process answers
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "service",
    operation_id = "isAlive",
    responses((status = 200, description = "It does", body = Health)),
)]
pub(super) async fn live() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether the process can do its work
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "service",
    operation_id = "isReady",
    responses((status = 200, description = "It can", body = Health)),
)]
pub(super) async fn ready(State(state): State<AppState>) -> Result<Json<Health>, ApiError> {
    state.repository.ping().await.map_err(|error| {
        ApiError::new(ErrorCode::SERVICE_UNAVAILABLE)
            .message("The database does not answer")
            .source(error)
    })?;
    Ok(Json(Health { status: "ready" }))
}
