use exodrive_ratelimit::{BuildError, Limit, MINUTE, MemoryStore, RateLimitLayer, RateLimiter};
use http::StatusCode;
use http::request::Parts;

/// The limits of this listener, apart from those of the API: what clients do there must not keep operators out.
///
/// Looking is free. Wrong tokens are few, so that guessing takes longer than the token lives.
pub(super) fn layer() -> Result<RateLimitLayer<MemoryStore>, BuildError> {
    let limiter = RateLimiter::builder(MemoryStore::default())
        .limit(
            Limit::sliding_window("operations", 120, MINUTE)
                .by_ip()
                .on(changes),
        )
        .limit(
            Limit::sliding_window("token", 10, MINUTE)
                .by_ip()
                .on(changes)
                .settle(|response| u32::from(response.status == StatusCode::UNAUTHORIZED)),
        )
        .build()?;
    Ok(RateLimitLayer::new(limiter))
}

fn changes(request: &Parts) -> bool {
    !request.method.is_safe()
}
