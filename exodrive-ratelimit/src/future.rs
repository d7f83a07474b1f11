//! The life of one request: check, call, settle.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::decision::{Decision, Outcome};
use crate::limiter::{Admission, Correctable, RateLimiter};
use crate::refusal::{RateLimited, ResponseForRefusal};
use crate::store::Store;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

pin_project! {
    /// The response future of [`RateLimit`](crate::RateLimit).
    pub struct ResponseFuture<S, B, St>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B, St>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, B, St>
    where
        S: Service<Request<B>>,
    {
        // Refused without waiting.
        Refused {
            response: Option<S::Response>,
        },
        // The store decides; the request waits with the service that was polled ready for it.
        Checking {
            check: BoxFuture<Result<Admission, S::Response>>,
            // Out of the way of requests that need not wait: whoever calls the service moves the future.
            waiting: Option<Box<Waiting<S, B, St>>>,
        },
        // Admitted: the inner service works on it, unlimited if no limit applied.
        Calling {
            #[pin]
            response: S::Future,
            admitted: Option<Admitted<St>>,
        },
        // The response is there and changes what its request should have cost.
        Settling {
            settle: BoxFuture<()>,
            response: Option<S::Response>,
        },
    }
}

struct Waiting<S, B, St> {
    inner: S,
    request: Request<B>,
    limiter: RateLimiter<St>,
}

/// What the response to an admitted request has to tell, and what it may correct.
struct Admitted<St> {
    limiter: RateLimiter<St>,
    decision: Decision,
    correctable: Option<Box<Admission>>,
}

impl<S, B, St> ResponseFuture<S, B, St>
where
    S: Service<Request<B>>,
{
    pub(crate) const fn unlimited(response: S::Future) -> Self {
        Self {
            state: State::Calling {
                response,
                admitted: None,
            },
        }
    }

    pub(crate) fn decided<R, ResB>(
        mut inner: S,
        request: Request<B>,
        limiter: &RateLimiter<St>,
        admission: Admission,
        refusal: &R,
    ) -> Self
    where
        S: Service<Request<B>, Response = Response<ResB>>,
        St: Store,
        R: ResponseForRefusal<ResB>,
    {
        let state = if admission.outcome() == Outcome::Allowed {
            State::Calling {
                response: inner.call(request),
                admitted: Some(Admitted::new(limiter.clone(), admission)),
            }
        } else {
            State::Refused {
                response: Some(refuse(limiter, refusal, &admission)),
            }
        };
        Self { state }
    }

    pub(crate) fn checking<R, ResB>(
        inner: S,
        request: Request<B>,
        limiter: &RateLimiter<St>,
        admission: Admission,
        refusal: R,
    ) -> Self
    where
        S: Service<Request<B>, Response = Response<ResB>>,
        St: Store,
        R: ResponseForRefusal<ResB> + Send + 'static,
    {
        let waiting = Waiting {
            inner,
            request,
            limiter: limiter.clone(),
        };
        let limiter = limiter.clone();
        let claims = admission.into_claims();
        let check = async move {
            let admission = limiter.decide(claims, Correctable::ByResponse).await;
            if admission.outcome() == Outcome::Allowed {
                Ok(admission)
            } else {
                Err(refuse(&limiter, &refusal, &admission))
            }
        };
        Self {
            state: State::Checking {
                check: Box::pin(check),
                waiting: Some(Box::new(waiting)),
            },
        }
    }
}

impl<S, B, St, ResB> Future for ResponseFuture<S, B, St>
where
    S: Service<Request<B>, Response = Response<ResB>>,
    St: Store,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Refused { response } => {
                    let response = response.take().expect("polled after completion");
                    return Poll::Ready(Ok(response));
                }
                StateProj::Checking { check, waiting } => {
                    let checked = ready!(check.as_mut().poll(cx));
                    let Waiting {
                        mut inner,
                        request,
                        limiter,
                    } = *waiting.take().expect("polled after completion");
                    match checked {
                        Ok(admission) => State::Calling {
                            response: inner.call(request),
                            admitted: Some(Admitted::new(limiter, admission)),
                        },
                        Err(refused) => return Poll::Ready(Ok(refused)),
                    }
                }
                StateProj::Calling { response, admitted } => {
                    let mut response = ready!(response.poll(cx))?;
                    let Some(Admitted {
                        limiter,
                        mut decision,
                        correctable,
                    }) = admitted.take()
                    else {
                        return Poll::Ready(Ok(response));
                    };
                    let mut settlements = Vec::new();
                    if let Some(admission) = correctable {
                        let (parts, body) = response.into_parts();
                        settlements =
                            limiter.settled_by_response(&admission, &mut decision, &parts);
                        response = Response::from_parts(parts, body);
                    }
                    limiter.plan().tell(&mut response, decision);
                    if settlements.is_empty() {
                        return Poll::Ready(Ok(response));
                    }
                    State::Settling {
                        settle: Box::pin(limiter.settle(settlements)),
                        response: Some(response),
                    }
                }
                StateProj::Settling { settle, response } => {
                    ready!(settle.as_mut().poll(cx));
                    let response = response.take().expect("polled after completion");
                    return Poll::Ready(Ok(response));
                }
            };
            state.set(next);
        }
    }
}

/// The response to a request that is not admitted.
fn refuse<St, R, ResB>(
    limiter: &RateLimiter<St>,
    refusal: &R,
    admission: &Admission,
) -> Response<ResB>
where
    St: Store,
    R: ResponseForRefusal<ResB>,
{
    let decision = admission.decision(limiter.plan());
    let refused = RateLimited::new(decision.clone());
    let mut response = refusal.response_for_refusal(&refused);
    *response.status_mut() = refused.status();
    response.extensions_mut().insert(refused);
    limiter.plan().tell(&mut response, decision);
    response
}

impl<St: Store> Admitted<St> {
    fn new(limiter: RateLimiter<St>, admission: Admission) -> Self {
        let plan = limiter.plan();
        Self {
            decision: admission.decision(plan),
            correctable: admission.settles(plan).then(|| Box::new(admission)),
            limiter,
        }
    }
}

impl<S, B, St> fmt::Debug for ResponseFuture<S, B, St>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Refused { .. } => "refused",
            State::Checking { .. } => "checking",
            State::Calling { .. } => "calling",
            State::Settling { .. } => "settling",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}
