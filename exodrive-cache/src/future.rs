//! The future of an answer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use crate::body::ResponseBody;
use crate::decision::Outcome;
use crate::route_policy::RoutePolicy;

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
        Past { #[pin] inner: F, policy: Arc<RoutePolicy>, outcome: Option<Outcome> },
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

    pub(crate) fn past(inner: F, policy: Arc<RoutePolicy>, outcome: Option<Outcome>) -> Self {
        Self {
            state: State::Past {
                inner,
                policy,
                outcome,
            },
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
            StateProjection::Past {
                inner,
                policy,
                outcome,
            } => {
                let response = ready!(inner.poll(context))?.map(ResponseBody::inner);
                Poll::Ready(Ok(policy.passed(*outcome, response)))
            }
            StateProjection::Fetch { future } => future.as_mut().poll(context),
        }
    }
}

impl<F, B, E> fmt::Debug for ResponseFuture<F, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Hit { .. } => "Hit",
            State::Past { .. } => "Past",
            State::Fetch { .. } => "Fetch",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
