use axum::routing::{delete, get, post};
use axum::{Json, Router};
use exodrive_cache::UnknownPolicy;
use serde_json::Value;

use super::{bookings, cars, fleet, health};
use crate::AppState;
use crate::errors::CATALOGUE;

/// Every route, with the cache around those whose answers are kept, and without the layers around all of them.
///
/// Routes that need a user expect that [`authenticate`](crate::auth::authenticate) ran before.
///
/// # Errors
///
/// If the cache lacks a policy.
pub fn router(state: &AppState) -> Result<Router, UnknownPolicy> {
    let kept = |policy| state.cache.layer(policy);
    let router = Router::new()
        .route("/api/v1/fleet", get(fleet::list).layer(kept("fleet")?))
        .route("/api/v1/cars", post(cars::create))
        .route(
            "/api/v1/cars/{id}",
            get(cars::show)
                .layer(kept("car")?)
                .put(cars::update)
                .delete(cars::delete),
        )
        .route(
            "/api/v1/cars/{id}/availability",
            get(cars::availability).layer(kept("availability")?),
        )
        .route("/api/v1/bookings", post(bookings::create))
        .route("/api/v1/bookings/{id}", delete(bookings::cancel))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/errors", get(catalogue))
        .with_state(state.clone());
    Ok(router)
}

async fn catalogue() -> Json<Value> {
    Json(CATALOGUE.to_json())
}
