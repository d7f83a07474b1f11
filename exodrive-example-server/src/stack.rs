//! The layers around the routes, and why they stand in this order.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use exodrive_errors::{ApiError, ErrorCode, ErrorLayer};
use exodrive_ratelimit::{
    BuildError, ClientIp, HOUR, Limit, MINUTE, MemoryStore, RateLimitLayer, RateLimited,
    RateLimiter, Subject,
};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
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
use crate::domain::User;
use crate::flags::Feature;
use crate::{AppState, routes};

/// How to reach people when the service fails; shown in the envelope of every 5xx.
pub const SUPPORT: &str = "support@exodrive.example";
const HANDLER_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_REQUEST_BODY: usize = 64 << 10;

/// The whole service: routes, with the layers around them.
///
/// # Errors
///
/// If the cache lacks a policy that a route names, or a limit makes no sense.
pub fn app(state: &AppState, config: &Config) -> Result<Router, StackError> {
    let mut router = routes::router(state)?;
    if config.debug_routes {
        router = router.merge(routes::debug_router());
    }
    let store = Arc::new(MemoryStore::default());
    let by_address = by_address(config, store.clone())?;
    let by_user = by_user(store)?;
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
            .layer(
                state
                    .flags
                    .layer(Feature::RateLimiting, RateLimitLayer::new(by_address)),
            )
            .layer(from_fn_with_state(state.keys.clone(), authenticate))
            // After it, since only now it is known whose quota counts. The cache is inside, around
            // the routes that have a policy: a hit is charged and carries its own rate-limit headers.
            .layer(
                state
                    .flags
                    .layer(Feature::RateLimiting, RateLimitLayer::new(by_user)),
            ),
    ))
}

/// A stack that cannot be put together.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum StackError {
    /// A route names a policy that the cache does not have.
    Policy(#[from] exodrive_cache::UnknownPolicy),
    /// A limit makes no sense.
    Limit(#[from] BuildError),
}

type Limiter = RateLimiter<Arc<MemoryStore>>;

/// The limits by address, which apply before authentication.
///
/// Requests that show no key share the public limit of their address. Requests that do are not
/// charged to it, or one client could use up what its neighbours behind the same address need to
/// sign in; only the keys that turn out to be nobody's count.
fn by_address(config: &Config, store: Arc<MemoryStore>) -> Result<Limiter, BuildError> {
    let public = Limit::sliding_window(
        "public",
        config.rate_limit_max_requests,
        config.rate_limit_window,
    );
    let authentication = Limit::sliding_window("authentication", 60, MINUTE);
    RateLimiter::builder(store)
        .client_ip(ClientIp::trusted_proxies(config.trusted_proxies.iter()))
        .limit(
            public
                .by_ip()
                .on(|request| is_limited(request) && !shows_a_key(request)),
        )
        .limit(
            authentication
                .by_ip()
                .on(|request| is_limited(request) && shows_a_key(request))
                .settle(|response| u32::from(response.status == StatusCode::UNAUTHORIZED)),
        )
        .build()
}

/// The limits of a user, who is known after authentication.
fn by_user(store: Arc<MemoryStore>) -> Result<Limiter, BuildError> {
    let authenticated = Limit::sliding_window("authenticated", 120, MINUTE);
    let booking = Limit::sliding_window("booking", 10, HOUR);
    RateLimiter::builder(store)
        .identify(|request| {
            let user = request.extensions.get::<User>()?;
            Some(Subject::user(&user.id))
        })
        .limit(authenticated.by_user().on(is_limited))
        .limit(
            booking
                .by_user()
                .on(is_booking)
                .settle(|response| u32::from(response.status.is_success())),
        )
        .build()
}

fn shows_a_key(request: &Parts) -> bool {
    request.headers.contains_key(AUTHORIZATION)
}

fn is_booking(request: &Parts) -> bool {
    request.method == Method::POST && request.uri.path() == "/api/v1/bookings"
}

fn is_limited(request: &Parts) -> bool {
    !is_always_admitted(request.uri.path())
}

/// Whoever watches over the service has to reach it while it refuses everybody else.
pub(crate) fn is_always_admitted(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz")
}

fn errors() -> ErrorLayer {
    ErrorLayer::new()
        .support(SUPPORT)
        .recognize(|refused: &RateLimited| match refused.limit() {
            Some(limit) => {
                ApiError::new(ErrorCode::RATE_LIMITED).details(json!({ "limit": limit.name() }))
            }
            None => ApiError::new(ErrorCode::SERVICE_UNAVAILABLE),
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
