use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use crate::body::ResponseBody;
use crate::context::RequestContext;
use crate::error::BoxError;
use crate::outcome;
use crate::outcome::Failure;
use crate::panic;

pin_project! {
    /// The future of an [`ErrorService`](crate::ErrorService).
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
        context: Option<RequestContext>,
    }
}

pin_project! {
    #[project = StateProject]
    enum State<F> {
        Calling { #[pin] future: F },
        Failed { failure: Option<Failure> },
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn calling(future: F, context: RequestContext) -> Self {
        Self {
            state: State::Calling { future },
            context: Some(context),
        }
    }

    pub(crate) fn failed(failure: Failure, context: RequestContext) -> Self {
        Self {
            state: State::Failed {
                failure: Some(failure),
            },
            context: Some(context),
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<ResponseBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const POLLED_AGAIN: &str = "polled after it was ready";
        let this = self.project();
        let result = match this.state.project() {
            StateProject::Calling { future } => match panic::catch(|| future.poll(cx)) {
                Ok(poll) => ready!(poll).map_err(|error| Failure::Service(error.into())),
                Err(panicked) => Err(Failure::Panic(panicked)),
            },
            StateProject::Failed { failure } => Err(failure.take().expect(POLLED_AGAIN)),
        };
        let context = this.context.take().expect(POLLED_AGAIN);
        Poll::Ready(Ok(outcome::settle(result, context, cx)))
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
