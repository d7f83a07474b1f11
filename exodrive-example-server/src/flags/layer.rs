use std::task::{Context, Poll, ready};

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use http::{Request, Response};
use tower::{Layer, Service};

use super::future::ResponseFuture;
use super::{Feature, Flags};

/// Puts a layer in the way of the requests for which a feature is on, and of no others.
#[derive(Clone, Debug)]
pub struct FlaggedLayer<L> {
    flags: Flags,
    feature: Feature,
    layer: L,
}

/// The service of a [`FlaggedLayer`]: the same inner service twice, once behind the layer and once without it.
#[derive(Clone, Debug)]
pub struct Flagged<With, Without> {
    flags: Flags,
    feature: Feature,
    with: With,
    without: Without,
}

impl<L> FlaggedLayer<L> {
    pub(super) fn new(flags: Flags, feature: Feature, layer: L) -> Self {
        Self {
            flags,
            feature,
            layer,
        }
    }
}

impl<S: Clone, L: Layer<S>> Layer<S> for FlaggedLayer<L> {
    type Service = Flagged<L::Service, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Flagged {
            flags: self.flags.clone(),
            feature: self.feature,
            with: self.layer.layer(inner.clone()),
            without: inner,
        }
    }
}

impl<With, Without, B, WithB, WithoutB> Service<Request<B>> for Flagged<With, Without>
where
    With: Service<Request<B>, Response = Response<WithB>>,
    Without: Service<Request<B>, Response = Response<WithoutB>, Error = With::Error>,
    WithB: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    WithoutB: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = With::Error;
    type Future = ResponseFuture<With::Future, Without::Future>;

    /// Either may be called next, so both have to be ready.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        ready!(self.with.poll_ready(cx))?;
        self.without.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if self.flags.is_on(self.feature, &request) {
            ResponseFuture::with(self.with.call(request))
        } else {
            ResponseFuture::without(self.without.call(request))
        }
    }
}
