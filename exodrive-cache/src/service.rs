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
use crate::cache::Shared;
use crate::client::Client;
use crate::decision::Outcome;
use crate::error::BoxError;
use crate::fetch::Fetch;
use crate::future::ResponseFuture;
use crate::keyed_inputs::keep_keyed_inputs;
use crate::question::{Question, Stale};
use crate::reason::Bypass;
use crate::reuse::{Reuse, reuse};
use crate::route_policy::RoutePolicy;
use crate::serve::{Asked, respond};
use crate::store::{Invalidation, Store};
use crate::target;

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
        let (mut parts, body) = request.into_parts();
        // A body can be declared by headers or, in HTTP/2, by nothing but its presence.
        let admitted = match admit(&self.policy.policy, &parts) {
            Ok(_) if !body.is_end_stream() => Err(Bypass::Body),
            verdict => verdict,
        };
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(bypass) => return self.bypass(Request::from_parts(parts, body), bypass),
        };
        let key = self.policy.key(&parts, &admitted);
        let directives = self.policy.directives(&parts);
        let early = self.policy.early_refresh(&self.shared.chance);
        let mut stale = None;
        if let Some(found) = self.shared.store.peek(&key) {
            let now = self.shared.clock.now();
            let asked = Asked {
                method: &parts.method,
                headers: &parts.headers,
            };
            match reuse(&found.entry, found.outdated, &directives, early, now) {
                Reuse::Serve(outcome) => {
                    let response = respond(&found.entry, asked, now);
                    let response = response.map(ResponseBody::stored);
                    return ResponseFuture::hit(self.policy.decided(outcome, response));
                }
                // It takes a task to refresh; the rest is the same once the store has been asked.
                Reuse::ServeAndRefresh(_) => {}
                Reuse::Replace { fallback } => {
                    let entry = found.entry;
                    stale = Some(Stale { entry, fallback });
                }
            }
        }

        let tags = self.policy.tags(&parts, &admitted);
        let client = Client::of(&parts, directives);
        let audience = admitted.audience;
        let head = parts.method == Method::HEAD;
        keep_keyed_inputs(
            &self.policy.policy,
            &self.policy.headers,
            &mut parts,
            &audience,
        );
        // The inner service that was polled ready is the one to call; a clone of it may not be ready.
        let clone = self.inner.clone();
        let fetch = Fetch {
            question: Question {
                shared: self.shared.clone(),
                policy: self.policy.clone(),
                key,
                tags,
                client,
                early,
                stale,
            },
            service: mem::replace(&mut self.inner, clone),
            request: Request::from_parts(parts, body),
        };
        if head {
            ResponseFuture::fetch(fetch.head())
        } else {
            ResponseFuture::fetch(fetch.get())
        }
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
    /// Sends a request past the cache, which may have to know that it changed something.
    fn bypass<B, ResB>(
        &mut self,
        request: Request<B>,
        bypass: Bypass,
    ) -> ResponseFuture<S::Future, ResB, S::Error>
    where
        S: Service<Request<B>, Response = Response<ResB>>,
        S::Future: Send + 'static,
        S::Error: Send,
        ResB: Send + 'static,
    {
        let outcome = Outcome::Bypass(bypass);
        if !self.policy.policy.is_transparent() {
            let decision = self.policy.decision(outcome);
            return ResponseFuture::bypass(self.inner.call(request), decision);
        }
        let (parts, body) = request.into_parts();
        let changed = target::of_unsafe(&parts);
        let answer = self.inner.call(Request::from_parts(parts, body));
        let (shared, policy) = (self.shared.clone(), self.policy.clone());
        ResponseFuture::fetch(async move {
            let (parts, body) = answer.await?.into_parts();
            if let Some(changed) = changed {
                let tags = changed.tags(&parts);
                let invalidated = shared.invalidate(&tags, Invalidation::Hard).await;
                if let Err(error) = invalidated {
                    tracing::warn!(policy = %policy.name, %error, "a change was not applied");
                }
            }
            let response = Response::from_parts(parts, ResponseBody::inner(body));
            Ok(policy.decided(outcome, response))
        })
    }
}
