//! A fill: the handler's answer on its way to one client, to those who wait, and into the store.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use tokio::sync::oneshot;
use tower_service::Service;

use crate::body::ResponseBody;
use crate::cache::Shared;
use crate::client::Client;
use crate::conditional;
use crate::decision::{Outcome, StaleReason};
use crate::entry::Head;
use crate::error::BoxError;
use crate::filling::{End, Filling};
use crate::flight::{Answering, Lead};
use crate::freshness::Freshness;
use crate::pump::pump;
use crate::route_policy::RoutePolicy;
use crate::serve::respond;
use crate::storability::{Exchange, Storable, judge};
use crate::store::{Release, Store};
use crate::{Entry, Tag};

/// Everything that a fill needs. It runs on its own task, so a client that leaves takes nothing with it.
pub(crate) struct Fill<S, St: Store, B> {
    pub(crate) context: Context<St>,
    pub(crate) service: S,
    pub(crate) request: Request<B>,
}

/// What a fill knows besides the request that the handler sees.
pub(crate) struct Context<St: Store> {
    pub(crate) shared: Arc<Shared<St>>,
    pub(crate) policy: Arc<RoutePolicy>,
    pub(crate) lead: Lead<St::Fill>,
    pub(crate) tags: Arc<[Tag]>,
    pub(crate) client: Client,
    pub(crate) stale: Option<Stale>,
}

/// An entry whose time is over.
#[derive(Clone, Debug)]
pub(crate) struct Stale {
    pub(crate) entry: Arc<Entry>,
    /// Whether it may be served if the handler fails.
    pub(crate) fallback: bool,
}

/// Where the client that caused the fill waits for its answer.
type Reply<B, E> = oneshot::Sender<Result<Response<ResponseBody<B>>, E>>;

// === impl Fill ===

impl<S, St, B, ResB> Fill<S, St, B>
where
    S: Service<Request<B>, Response = Response<ResB>>,
    St: Store,
    ResB: Body<Data = Bytes>,
    ResB::Error: Into<BoxError>,
{
    pub(crate) async fn run(mut self, reply: Reply<ResB, S::Error>) {
        let mut context = self.context;
        let validates = context.validate(self.request.headers_mut());
        let requested_at = context.shared.clock.now();
        let response = match self.service.call(self.request).await {
            Ok(response) => response,
            Err(error) => {
                let stale = context.stale_instead();
                context.lead.abandon();
                let _ = reply.send(stale.ok_or(error));
                context.release(Release::Failed).await;
                return;
            }
        };
        let (parts, body) = response.into_parts();
        let exchange = Exchange {
            requested_at,
            answered_at: context.shared.clock.now(),
            chance: context.shared.chance.draw(),
        };
        if validates
            && parts.status == StatusCode::NOT_MODIFIED
            && let Some(stale) = context.stale.take()
        {
            let confirmed = context.confirm(&stale.entry, &parts, &exchange).await;
            let _ = reply.send(Ok(confirmed));
            return;
        }
        if is_failure(parts.status)
            && let Some(stale) = context.stale_instead()
        {
            context.lead.abandon();
            let _ = reply.send(Ok(stale));
            context.release(Release::Failed).await;
            return;
        }
        let storable = judge(
            &context.policy,
            context.lead.key(),
            &context.tags,
            &parts,
            &exchange,
            &body.size_hint(),
        );
        let Storable { head, tags, length } = match storable {
            Ok(storable) => storable,
            Err(unstorable) => {
                context
                    .shared
                    .hit_for_miss
                    .mark(context.lead.key(), exchange.answered_at);
                context.lead.abandon();
                let outcome = Outcome::Miss {
                    unstorable: Some(unstorable),
                };
                let response = Response::from_parts(parts, ResponseBody::inner(body));
                let _ = reply.send(Ok(context.policy.decided(outcome, response)));
                context.release(Release::Unstorable).await;
                return;
            }
        };
        let answering = Answering {
            head: Arc::new(head),
            tags,
            length,
            filling: Arc::new(Filling::default()),
        };
        let (send_rest, rest) = oneshot::channel();
        let _ = reply.send(Ok(context.first_answer(parts, &answering, rest)));
        // A body of unknown length may outgrow its bound, and only one client can have the rest.
        // Others wait for it to be complete.
        if length.is_some() {
            context.lead.announce(answering.clone());
        }
        let max_body = context.policy.policy.max_body;
        if pump(body, &answering, max_body, send_rest).await {
            let body = answering.filling.concat();
            context.store(&answering, body).await;
            context.lead.announce(answering);
        } else {
            context.lead.abandon();
            context.release(Release::Failed).await;
        }
    }
}

// === impl Context ===

impl<St: Store> Context<St> {
    /// Lets the handler say that a stale entry is still right, and returns whether it can.
    fn validate(&self, request: &mut HeaderMap) -> bool {
        self.policy.policy.is_transparent()
            && self
                .stale
                .as_ref()
                .is_some_and(|stale| conditional::validate(request, stale.entry.headers()))
    }

    /// Answers with the stale entry, if there is one that may be served when the handler fails.
    fn stale_instead<B>(&mut self) -> Option<Response<ResponseBody<B>>> {
        let stale = self.stale.take().filter(|stale| stale.fallback)?;
        let now = self.shared.clock.now();
        Some(self.policy.served_stale(&stale.entry, &self.client, now))
    }

    /// Serves a stale entry that the handler said is still right, and renews it (RFC 9111, section 4.3.4).
    async fn confirm<B>(
        &mut self,
        entry: &Entry,
        answer: &Parts,
        exchange: &Exchange,
    ) -> Response<ResponseBody<B>> {
        let outcome = Outcome::Revalidated;
        if !conditional::selects(entry.headers(), &answer.headers) {
            // The handler has nothing new, but what it says is not about the stored answer.
            let response = respond(entry, self.client.asked(), exchange.answered_at);
            return self
                .policy
                .decided(outcome, response.map(ResponseBody::stored));
        }
        let headers = conditional::freshened(entry.headers(), &answer.headers);
        let head = Head {
            status: entry.status(),
            freshness: Freshness::rfc9111(
                entry.status(),
                &headers,
                exchange.requested_at,
                exchange.answered_at,
            ),
            headers,
            vary: entry.vary().clone(),
            answered_at: exchange.answered_at,
            fill_time: exchange.fill_time(),
        };
        let filling = Filling::default();
        let body = entry.body().clone();
        let length = Some(body.len() as u64);
        filling.push(body.clone());
        filling.end(End::Complete(None));
        let answering = Answering {
            head: Arc::new(head),
            tags: self.tags.clone(),
            length,
            filling: Arc::new(filling),
        };
        let entry = self.store(&answering, body).await;
        self.lead.announce(answering);
        let response = respond(&entry, self.client.asked(), exchange.answered_at);
        self.policy
            .decided(outcome, response.map(ResponseBody::stored))
    }

    /// Makes the answer for the client whose request caused the fill.
    fn first_answer<B>(
        &self,
        parts: Parts,
        answering: &Answering,
        rest: crate::body::Rest<B>,
    ) -> Response<ResponseBody<B>> {
        let outcome = Outcome::Miss { unstorable: None };
        let received_at = answering.head.answered_at;
        let asked = self.client.asked();
        if let Some(response) = asked.not_modified(parts.status, &parts.headers, received_at) {
            return self.policy.decided(outcome, response);
        }
        let reader = answering.filling.reader();
        let body = ResponseBody::filling(reader, answering.length, Some(rest));
        self.policy
            .decided(outcome, Response::from_parts(parts, body))
    }

    /// Ends the fill in the store, and returns the entry.
    async fn store(&self, answering: &Answering, body: Bytes) -> Entry {
        let entry = Entry::new(
            &self.policy.policy,
            self.lead.key(),
            &answering.head,
            answering.tags.clone(),
            body,
        );
        if let Some(fill) = self.lead.fill() {
            let committed = self.shared.store.commit(fill, entry.clone()).await;
            if let Err(error) = committed {
                tracing::debug!(policy = %self.policy.name, %error, "an answer was not stored");
            }
        }
        entry
    }

    /// Ends the fill in the store without an entry.
    async fn release(&self, release: Release) {
        if let Some(fill) = self.lead.fill() {
            self.shared.store.release(fill, release).await;
        }
    }
}

/// Returns whether an answer says that the handler failed (RFC 5861, section 4).
pub(crate) fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

impl RoutePolicy {
    /// Answers with a stale entry because the handler failed.
    pub(crate) fn served_stale<B>(
        &self,
        entry: &Entry,
        client: &Client,
        now: SystemTime,
    ) -> Response<ResponseBody<B>> {
        let outcome = Outcome::Stale {
            age: entry.age(now),
            reason: StaleReason::Error,
        };
        let response = respond(entry, client.asked(), now);
        self.decided(outcome, response.map(ResponseBody::stored))
    }
}
