use std::pin::Pin;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use http::Response;
use pin_project_lite::pin_project;

pin_project! {
    /// The answer of the service behind the layer, or of the one without it.
    #[derive(Debug)]
    pub struct ResponseFuture<With, Without> {
        #[pin]
        way: Way<With, Without>,
    }
}

pin_project! {
    #[project = WayProjection]
    #[derive(Debug)]
    enum Way<With, Without> {
        With { #[pin] future: With },
        Without { #[pin] future: Without },
    }
}

impl<With, Without> ResponseFuture<With, Without> {
    pub(super) fn with(future: With) -> Self {
        Self {
            way: Way::With { future },
        }
    }

    pub(super) fn without(future: Without) -> Self {
        Self {
            way: Way::Without { future },
        }
    }
}

impl<With, Without, WithB, WithoutB, E> Future for ResponseFuture<With, Without>
where
    With: Future<Output = Result<Response<WithB>, E>>,
    Without: Future<Output = Result<Response<WithoutB>, E>>,
    WithB: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    WithoutB: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            WayProjection::With { future } => {
                future.poll(cx).map_ok(|answer| answer.map(Body::new))
            }
            WayProjection::Without { future } => {
                future.poll(cx).map_ok(|answer| answer.map(Body::new))
            }
        }
    }
}
