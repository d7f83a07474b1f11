//! The service: decide first, call after.

use std::mem;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use crate::future::ResponseFuture;
use crate::limiter::{Admission, Progress, RateLimiter};
use crate::refusal::{EmptyRefusal, ResponseForRefusal};
use crate::store::Store;

/// A service behind a [`RateLimiter`]; made by [`RateLimitLayer`](crate::RateLimitLayer).
#[derive(Debug)]
pub struct RateLimit<S, St, R = EmptyRefusal> {
    inner: S,
    limiter: RateLimiter<St>,
    refusal: R,
}

impl<S, St, R> RateLimit<S, St, R> {
    pub(crate) const fn new(inner: S, limiter: RateLimiter<St>, refusal: R) -> Self {
        Self {
            inner,
            limiter,
            refusal,
        }
    }
}

impl<S, St, R, ReqB, ResB> Service<Request<ReqB>> for RateLimit<S, St, R>
where
    S: Service<Request<ReqB>, Response = Response<ResB>> + Clone,
    St: Store,
    R: ResponseForRefusal<ResB> + Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqB, St>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        // The clone has not been polled ready; the service in place has, and it is the one to call.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);

        let (parts, body) = request.into_parts();
        let mut admission = Admission::unlimited();
        let progress = self.limiter.decide_now(&parts, &mut admission);
        let request = Request::from_parts(parts, body);
        let (limiter, refusal) = (&self.limiter, &self.refusal);
        match progress {
            Progress::Unlimited => ResponseFuture::unlimited(inner.call(request)),
            Progress::Decided => {
                ResponseFuture::decided(inner, request, limiter, admission, refusal)
            }
            Progress::Undecided => {
                ResponseFuture::checking(inner, request, limiter, admission, refusal.clone())
            }
        }
    }
}

// Derived, it would ask of the store to be `Clone`.
impl<S: Clone, St, R: Clone> Clone for RateLimit<S, St, R> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            limiter: self.limiter.clone(),
            refusal: self.refusal.clone(),
        }
    }
}
