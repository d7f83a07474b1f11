//! The future of an answer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use crate::body::ResponseBody;
use crate::decision::CacheDecision;

type Answer<B, E> = Result<Response<ResponseBody<B>>, E>;

pin_project! {
    /// The future of an answer of a [`CacheService`](crate::CacheService).
    pub struct ResponseFuture<F, B, E> {
        #[pin]
        state: State<F, B, E>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, B, E> {
        Hit { response: Option<Response<ResponseBody<B>>> },
        Bypass { #[pin] inner: F, decision: Option<CacheDecision> },
        Fetch { future: Pin<Box<dyn Future<Output = Answer<B, E>> + Send>> },
    }
}

impl<F, B, E> ResponseFuture<F, B, E> {
    pub(crate) fn hit(response: Response<ResponseBody<B>>) -> Self {
        let response = Some(response);
        Self {
            state: State::Hit { response },
        }
    }

    pub(crate) fn bypass(inner: F, decision: CacheDecision) -> Self {
        let decision = Some(decision);
        Self {
            state: State::Bypass { inner, decision },
        }
    }

    pub(crate) fn fetch(future: impl Future<Output = Answer<B, E>> + Send + 'static) -> Self {
        let future = Box::pin(future);
        Self {
            state: State::Fetch { future },
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Answer<B, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            // A future is not polled after it is ready; one that is waits for ever.
            StateProjection::Hit { response } => response
                .take()
                .map_or(Poll::Pending, |response| Poll::Ready(Ok(response))),
            StateProjection::Bypass { inner, decision } => {
                let mut response = ready!(inner.poll(context))?.map(ResponseBody::inner);
                if let Some(decision) = decision.take() {
                    decision.write(&mut response);
                }
                Poll::Ready(Ok(response))
            }
            StateProjection::Fetch { future } => future.as_mut().poll(context),
        }
    }
}

impl<F, B, E> fmt::Debug for ResponseFuture<F, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Hit { .. } => "Hit",
            State::Bypass { .. } => "Bypass",
            State::Fetch { .. } => "Fetch",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
