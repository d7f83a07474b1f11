//! The layer, the only place where the middleware is configured.

use tower_layer::Layer;

use crate::limiter::RateLimiter;
use crate::refusal::EmptyRefusal;
use crate::service::RateLimit;

/// Applies a [`RateLimiter`] to a service.
///
/// A service may be limited more than once, such as by address before authentication and by user after it; the
/// outermost layer then tells clients of all limits together. Apply each limiter once.
#[derive(Debug)]
#[must_use = "a layer does nothing until it is applied to a service"]
pub struct RateLimitLayer<St, R = EmptyRefusal> {
    limiter: RateLimiter<St>,
    refusal: R,
}

impl<St> RateLimitLayer<St> {
    /// A layer that answers refused requests with an empty body.
    pub const fn new(limiter: RateLimiter<St>) -> Self {
        Self {
            limiter,
            refusal: EmptyRefusal,
        }
    }
}

impl<St, R> RateLimitLayer<St, R> {
    /// Makes the responses to refused requests: a closure from [`&RateLimited`](crate::RateLimited) to a response, or
    /// anything else that is a [`ResponseForRefusal`](crate::ResponseForRefusal).
    ///
    /// Defaults to [`EmptyRefusal`].
    pub fn with_refusal<N>(self, refusal: N) -> RateLimitLayer<St, N> {
        RateLimitLayer {
            limiter: self.limiter,
            refusal,
        }
    }
}

impl<S, St, R: Clone> Layer<S> for RateLimitLayer<St, R> {
    type Service = RateLimit<S, St, R>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit::new(inner, self.limiter.clone(), self.refusal.clone())
    }
}

// Derived, it would ask of the store to be `Clone`.
impl<St, R: Clone> Clone for RateLimitLayer<St, R> {
    fn clone(&self) -> Self {
        Self {
            limiter: self.limiter.clone(),
            refusal: self.refusal.clone(),
        }
    }
}
