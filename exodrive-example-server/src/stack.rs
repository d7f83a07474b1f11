//! The layers around the routes, and why they stand in this order.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use exodrive_cache::UnknownPolicy;
use exodrive_errors::{ApiError, ErrorCode, ErrorLayer};
use exodrive_ratelimit::{Outcome, RateLimitLayer, RateLimited};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, Method, Request, StatusCode};
use serde_json::json;
use tower::ServiceBuilder;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::map_request_body::MapRequestBodyLayer;
use tower_http::map_response_body::MapResponseBodyLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::auth::authenticate;
use crate::config::Config;
use crate::flags::Feature;
use crate::meters::observe;
use crate::{AppState, routes};

/// How to reach people when the service fails; shown in the envelope of every 5xx.
pub const SUPPORT: &str = "support@exodrive.example";
const HANDLER_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_REQUEST_BODY: usize = 64 << 10;

/// The whole service: routes, with the layers around them.
///
/// # Errors
///
/// If the cache lacks a policy that a route names.
pub fn app(state: &AppState, config: &Config) -> Result<Router, UnknownPolicy> {
    let mut router = routes::router(state)?;
    if config.debug_routes {
        router = router.merge(routes::debug_router());
    }
    let limits = state.limits.clone();
    Ok(router.layer(
        ServiceBuilder::new()
            // Browsers read neither answers nor refusals without it.
            .layer(cors())
            // Outside the errors, so that envelopes are compressed like anything else.
            .layer(CompressionLayer::new())
            .layer(MapResponseBodyLayer::new(Body::new))
            // Failures are logged by the errors, once; the span joins what else is logged meanwhile.
            .layer(
                TraceLayer::new_for_http()
                    .make_span_with(span)
                    .on_failure(()),
            )
            // Counts what leaves: also the envelopes, and with the route, which only the router knows.
            .layer(from_fn_with_state(state.pulse.clone(), observe))
            // Everything below can fail, and every failure leaves as an envelope.
            .layer(state.flags.layer(Feature::NewErrorHandler, errors()))
            // A request costs a bounded time and a bounded amount of memory, whoever sends it.
            .layer(TimeoutLayer::with_status_code(
                StatusCode::SERVICE_UNAVAILABLE,
                HANDLER_TIMEOUT,
            ))
            .layer(RequestBodyLimitLayer::new(MAX_REQUEST_BODY))
            .layer(MapRequestBodyLayer::new(Body::new))
            // Before authentication, so that guessing keys costs the guesser.
            .layer(state.flags.layer(
                Feature::RateLimiting,
                RateLimitLayer::new(limits.by_address),
            ))
            .layer(from_fn_with_state(state.keys.clone(), authenticate))
            // After it, since only now it is known whose quota counts. The cache is inside, around
            // the routes that have a policy: a hit is charged and carries its own rate-limit headers.
            .layer(
                state
                    .flags
                    .layer(Feature::RateLimiting, RateLimitLayer::new(limits.by_user)),
            )
            // Once more, or a panic would pass the limits by: they would tell nothing and settle nothing.
            .layer(state.flags.layer(Feature::NewErrorHandler, errors())),
    ))
}

pub(crate) fn errors() -> ErrorLayer {
    ErrorLayer::new()
        .support(SUPPORT)
        .recognize(|refused: &RateLimited| {
            let code = match refused.decision().outcome() {
                Outcome::Unavailable => ErrorCode::SERVICE_UNAVAILABLE,
                Outcome::Denied => ErrorCode::FORBIDDEN,
                _ => ErrorCode::RATE_LIMITED,
            };
            match refused.limit() {
                Some(limit) => ApiError::new(code).details(json!({ "limit": limit.name() })),
                None => ApiError::new(code),
            }
        })
}

fn cors() -> CorsLayer {
    let exposed = [
        "age",
        "cache-status",
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "x-cache",
        "x-error-code",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-trace-id",
    ];
    // Credentials are bearer keys that a page has to send itself, so any page may ask.
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
        .expose_headers(exposed.map(HeaderName::from_static))
}

/// The path without the query, which may hold what nobody should find in a log.
fn span<B>(request: &Request<B>) -> tracing::Span {
    tracing::info_span!("request", method = %request.method(), path = request.uri().path())
}
