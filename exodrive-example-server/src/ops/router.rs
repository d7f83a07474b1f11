use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Query, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use exodrive_errors::{ApiError, ErrorCode};
use exodrive_ratelimit::BuildError;
use futures_util::Stream;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use super::guard::{guard, no_foreign_names};
use super::views::{self, Overview};
use super::{AdminToken, Live, actions, assets, limits, switching};
use crate::AppState;
use crate::meters::{Failure, Point};
use crate::stack::errors;

const PATIENCE: Duration = Duration::from_secs(5);
const MAX_REQUEST_BODY: usize = 16 << 10;

/// Only what this listener serves, and nothing from or to anywhere else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Everything on the listener for operators.
///
/// # Errors
///
/// If a limit makes no sense.
pub(crate) fn router(
    state: AppState,
    live: Live,
    token: Option<AdminToken>,
    is_local: bool,
) -> Result<Router, BuildError> {
    let changes = Router::new()
        .route("/ops/api/check", post(actions::check))
        .route("/ops/api/orders", post(actions::order))
        .route("/ops/api/orders/lift", post(actions::lift))
        .route(
            "/ops/api/flags/{feature}",
            put(switching::set_flag).delete(switching::reset_flag),
        )
        .route(
            "/ops/api/policies/{policy}",
            put(switching::set_policy).delete(switching::reset_policy),
        )
        .route(
            "/ops/api/limits/{limit}",
            put(switching::set_limit).delete(switching::reset_limit),
        )
        .route("/ops/api/purge", post(actions::purge))
        .route("/ops/api/rollback", post(switching::roll_back))
        .route_layer(from_fn_with_state(token, guard));
    let looks = Router::new()
        .route("/ops/api/overview", get(overview))
        .route("/ops/api/history", get(history))
        .route("/ops/api/flags", get(flags))
        .route("/ops/api/policies", get(policies))
        .route("/ops/api/limits", get(limit_modes))
        .route("/ops/api/refused", get(refused))
        .route("/ops/api/orders", get(orders))
        .route("/ops/api/events", get(events))
        .route("/ops/api/failures", get(failures))
        .with_state(state.clone());
    let stream = Router::new()
        .route("/ops/api/stream", get(stream))
        .with_state(live);
    let mut router = changes
        .with_state(state)
        .merge(looks)
        .merge(stream)
        .merge(assets::routes())
        .layer(CsrfLayer::new())
        .layer(limits::layer()?)
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BODY))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            PATIENCE,
        ));
    if is_local {
        router = router.layer(from_fn(no_foreign_names));
    }
    let router = router.layer(errors());
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok(headers.into_iter().fold(router, with_header))
}

fn with_header(router: Router, (name, value): (HeaderName, &'static str)) -> Router {
    let value = HeaderValue::from_static(value);
    router.layer(SetResponseHeaderLayer::overriding(name, value))
}

#[derive(Deserialize)]
struct Window {
    /// In seconds.
    #[serde(default = "Window::default_seconds")]
    window: u64,
}

impl Window {
    fn default_seconds() -> u64 {
        300
    }
}

async fn overview(State(state): State<AppState>) -> Json<Overview> {
    Json(Overview::of(&state).await)
}

async fn history(
    State(state): State<AppState>,
    Query(Window { window }): Query<Window>,
) -> Json<Vec<Point>> {
    Json(state.pulse.history(window))
}

async fn stream(
    State(live): State<Live>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let overviews = live.follow().ok_or_else(|| {
        ApiError::new(ErrorCode::SERVICE_UNAVAILABLE)
            .message("Too many pages follow this server")
            .retry_after(PATIENCE)
    })?;
    Ok(Sse::new(overviews).keep_alive(KeepAlive::default()))
}

async fn flags(State(state): State<AppState>) -> Json<Vec<views::Flag>> {
    Json(views::flags(&state))
}

async fn policies(State(state): State<AppState>) -> Json<Vec<views::Policy>> {
    Json(views::policies(&state))
}

async fn limit_modes(State(state): State<AppState>) -> Result<Json<Vec<views::Limit>>, ApiError> {
    views::limits(&state).await.map(Json).ok_or_else(unknown)
}

async fn refused(State(state): State<AppState>) -> Json<Vec<views::Refused>> {
    Json(views::refused(&state))
}

async fn orders(State(state): State<AppState>) -> Result<Json<Vec<views::Order>>, ApiError> {
    views::orders(&state).await.map(Json).ok_or_else(unknown)
}

async fn events(State(state): State<AppState>) -> Result<Json<Vec<views::Happened>>, ApiError> {
    views::events(&state).await.map(Json).ok_or_else(unknown)
}

async fn failures(State(state): State<AppState>) -> Json<Vec<Failure>> {
    Json(state.pulse.failures())
}

fn unknown() -> ApiError {
    ApiError::new(ErrorCode::SERVICE_UNAVAILABLE).message("Redis does not answer")
}
