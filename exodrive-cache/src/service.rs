//! The service of one route: looks in the store, and asks the handler when it has to.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::admission::admit;
use crate::body::ResponseBody;
use crate::client::Client;
use crate::decision::{CacheDecision, Outcome};
use crate::error::BoxError;
use crate::fetch::Fetch;
use crate::future::ResponseFuture;
use crate::keyed_inputs::{is_unconditional, keep_keyed_inputs};
use crate::mode::Mode;
use crate::question::{Question, Stale};
use crate::reason::Bypass;
use crate::reuse::{Reuse, reuse};
use crate::route_policy::RoutePolicy;
use crate::serve::{Asked, respond};
use crate::shadow::shadow;
use crate::shared::Shared;
use crate::store::{Invalidation, Store};
use crate::terms::CacheTerms;

/// Caches the answers of `S`. Made by [`CacheLayer`](crate::CacheLayer).
///
/// Fills run on tasks of their own, so calls have to be made inside a tokio runtime.
pub struct CacheService<S, St: Store> {
    inner: S,
    shared: Arc<Shared<St>>,
    policy: Arc<RoutePolicy>,
}

impl<S, St: Store> CacheService<S, St> {
    pub(crate) fn new(inner: S, shared: Arc<Shared<St>>, policy: Arc<RoutePolicy>) -> Self {
        Self {
            inner,
            shared,
            policy,
        }
    }
}

impl<S, St, B, ResB> Service<Request<B>> for CacheService<S, St>
where
    S: Service<Request<B>, Response = Response<ResB>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    St: Store,
    B: Body + Send + 'static,
    ResB: Body<Data = Bytes> + Send + 'static,
    ResB::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<ResB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResB, S::Error>;

    fn poll_ready(&mut self, context: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mode = self.policy.mode.current();
        if mode == Mode::Off {
            return self.past(request, None);
        }
        let (mut parts, body) = request.into_parts();
        // A body can be declared by headers or, in HTTP/2, by nothing but its presence.
        let admitted = match admit(&self.policy.policy, &parts) {
            Ok(_) if !body.is_end_stream() => Err(Bypass::Body),
            verdict => verdict,
        };
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(bypass) => {
                let outcome = (mode != Mode::Shadow).then_some(Outcome::Bypass(bypass));
                return self.past(Request::from_parts(parts, body), outcome);
            }
        };
        let key = self.policy.key(&parts, &admitted);
        if !mode.takes(|| key.digest()) {
            return self.past(Request::from_parts(parts, body), None);
        }
        let directives = self.policy.directives(&parts);
        let early = self.policy.early_refresh(&self.shared.chance);
        let mut stale = None;
        if mode != Mode::Shadow
            && let Some(found) = self.shared.store.peek(&key)
        {
            let now = self.shared.clock.now();
            let asked = Asked {
                method: &parts.method,
                headers: admitted.is_conditional.then_some(&parts.headers),
            };
            match reuse(&found.entry, found.outdated, &directives, early, now) {
                Reuse::Serve(outcome) => {
                    let mut response = respond(&found.entry, asked);
                    // The memory that held the request's extensions serves for the answer's.
                    parts.extensions.clear();
                    *response.extensions_mut() = parts.extensions;
                    self.policy.ended(Some(outcome));
                    let response = self.policy.served(outcome, &found.entry, now, response);
                    return ResponseFuture::hit(response);
                }
                // It takes a task to refresh; the rest is the same once the store has been asked.
                Reuse::ServeAndRefresh(_) => {}
                Reuse::Replace { fallback } => {
                    let entry = found.entry;
                    stale = Some(Stale { entry, fallback });
                }
            }
        }

        let mut question = Question {
            shared: self.shared.clone(),
            policy: self.policy.clone(),
            tags: self.policy.tags(&parts, &admitted, &key),
            key,
            client: Client::of(&parts, directives),
            early,
            stale,
        };
        if mode == Mode::Shadow {
            if parts.method == Method::HEAD || !is_unconditional(&parts.headers) {
                return self.past(Request::from_parts(parts, body), None);
            }
            question.key = question.key.in_shadow();
            self.policy.ended(None);
            let request = Request::from_parts(parts, body);
            return ResponseFuture::fetch(shadow(question, self.ready(), request));
        }
        let audience = admitted.audience;
        let head = parts.method == Method::HEAD;
        keep_keyed_inputs(
            &self.policy.policy,
            &self.policy.headers,
            &mut parts,
            &audience,
        );
        let fetch = Fetch {
            question,
            service: self.ready(),
            request: Request::from_parts(parts, body),
        };
        let policy = self.policy.clone();
        ResponseFuture::fetch(async move {
            let answer = if head {
                fetch.head().await
            } else {
                fetch.get().await
            };
            if let Ok(response) = &answer
                && let Some(decision) = response.extensions().get::<CacheDecision>()
            {
                policy.ended(Some(decision.outcome()));
            }
            answer
        })
    }
}

impl<S: Clone, St: Store> Clone for CacheService<S, St> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.shared.clone(), self.policy.clone())
    }
}

impl<S: fmt::Debug, St: Store> fmt::Debug for CacheService<S, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheService")
            .field("inner", &self.inner)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl<S, St: Store> CacheService<S, St> {
    /// Takes the inner service that was polled ready, and leaves a clone of it, which may not be ready.
    fn ready(&mut self) -> S
    where
        S: Clone,
    {
        let clone = self.inner.clone();
        mem::replace(&mut self.inner, clone)
    }

    /// Sends a request past the cache, which may have to know that it changed something.
    fn past<B, ResB>(
        &mut self,
        mut request: Request<B>,
        outcome: Option<Outcome>,
    ) -> ResponseFuture<S::Future, ResB, S::Error>
    where
        S: Service<Request<B>, Response = Response<ResB>>,
        S::Future: Send + 'static,
        S::Error: Send,
        ResB: Send + 'static,
    {
        request.extensions_mut().insert(CacheTerms::default());
        let (parts, body) = request.into_parts();
        let changed = self.policy.changed(&parts);
        let answer = self.inner.call(Request::from_parts(parts, body));
        let (shared, policy) = (self.shared.clone(), self.policy.clone());
        let Some(changed) = changed else {
            return ResponseFuture::past(answer, policy, outcome);
        };
        ResponseFuture::fetch(async move {
            let (parts, body) = answer.await?.into_parts();
            let tags = policy.tags_changed(&changed, &parts);
            if !tags.is_empty()
                && let Err(error) = shared.invalidate(&tags, Invalidation::Hard).await
            {
                tracing::warn!(policy = %policy.name, %error, "a change was not applied");
            }
            let response = Response::from_parts(parts, ResponseBody::inner(body));
            Ok(policy.passed(outcome, response))
        })
    }
}
