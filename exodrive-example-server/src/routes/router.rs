use axum::{Json, Router};
use exodrive_cache::UnknownPolicy;
use serde_json::Value;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use super::{bookings, cars, fleet, health, metrics};
use crate::errors::CATALOGUE;
use crate::flags::Feature;
use crate::{AppState, openapi};

/// Every route, with the cache around those whose answers are kept, and without the layers around all of them.
///
/// Routes that need a user expect that [`authenticate`](crate::auth::authenticate) ran before.
///
/// # Errors
///
/// If the cache lacks a policy.
pub fn router(state: &AppState) -> Result<Router, UnknownPolicy> {
    let kept = |policy, mut routes: UtoipaMethodRouter<AppState>| {
        openapi::mention_cache(&mut routes.1);
        let cache = state.cache.layer(policy)?;
        Ok(routes.layer(state.flags.layer(Feature::RedisCache, cache)))
    };
    let (router, api) = OpenApiRouter::with_openapi(openapi::base())
        .routes(kept("fleet", routes!(fleet::list))?)
        .routes(kept("car", routes!(cars::show))?)
        .routes(kept("availability", routes!(cars::availability))?)
        .routes(routes!(cars::create))
        .routes(routes!(cars::update, cars::delete))
        .routes(routes!(bookings::create))
        .routes(routes!(bookings::cancel))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::show))
        .routes(routes!(catalogue))
        .split_for_parts();
    let document = openapi::complete(&api);
    let docs = SwaggerUi::new("/docs").external_url_unchecked("/openapi.json", document);
    Ok(router.merge(docs).with_state(state.clone()))
}

/// Every error code, with what to do about it
#[utoipa::path(
    get,
    path = "/errors",
    tag = "service",
    operation_id = "listErrors",
    responses((status = 200, description = "The codes", body = Object)),
)]
async fn catalogue() -> Json<Value> {
    Json(CATALOGUE.to_json())
}
