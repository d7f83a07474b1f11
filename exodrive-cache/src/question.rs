//! What a request asks of the store and of the fills that are under way.

use std::sync::Arc;

use http::{Response, StatusCode};

use crate::body::ResponseBody;
use crate::cache::Shared;
use crate::client::Client;
use crate::decision::{Outcome, Unstorable};
use crate::early_refresh::EarlyRefresh;
use crate::fill::Stale;
use crate::flight::{Answering, Flight, Join, Lead, Stage};
use crate::reuse::{Reuse, reuse};
use crate::route_policy::RoutePolicy;
use crate::serve::{Asked, respond};
use crate::store::{Found, Store};
use crate::{CacheKey, Tag};

/// What a request asks of the store and of the fills that are under way.
pub(crate) struct Question<St: Store> {
    pub(crate) shared: Arc<Shared<St>>,
    pub(crate) policy: Arc<RoutePolicy>,
    pub(crate) key: CacheKey,
    pub(crate) tags: Arc<[Tag]>,
    pub(crate) client: Client,
    pub(crate) early: EarlyRefresh,
    pub(crate) stale: Option<Stale>,
}

/// What the store says.
pub(crate) enum Looked<B> {
    /// It has the answer.
    Answered(Response<ResponseBody<B>>),
    /// It has an answer that may be served while a new one is fetched.
    AnsweredDue(Response<ResponseBody<B>>),
    /// It has none, or one that has to be replaced first.
    Nothing,
}

pub(crate) enum Followed<B> {
    Answered(Response<ResponseBody<B>>),
    Outdated,
    Released,
    Abandoned,
}

impl<St: Store> Question<St> {
    pub(crate) fn join(&self, outdated: Option<&Arc<Flight<St::Fill>>>) -> Join<St::Fill> {
        let Shared {
            flights,
            hit_for_miss,
            clock,
            ..
        } = &*self.shared;
        if hit_for_miss.is_marked(&self.key, clock.now()) {
            return Join::Lead(Lead::alone(&self.key));
        }
        flights.join(&self.key, outdated)
    }

    pub(crate) async fn lookup<B>(&mut self) -> Looked<B> {
        // Trouble with the store is a miss.
        let found = self.shared.store.lookup(&self.key, &self.tags).await;
        self.look_at(found.ok().flatten())
    }

    pub(crate) fn peek<B>(&mut self) -> Looked<B> {
        let found = self.shared.store.peek(&self.key);
        self.look_at(found)
    }

    pub(crate) fn look_at<B>(&mut self, found: Option<Found>) -> Looked<B> {
        let Some(found) = found else {
            return Looked::Nothing;
        };
        let now = self.shared.clock.now();
        let directives = &self.client.directives;
        let verdict = reuse(&found.entry, found.outdated, directives, self.early, now);
        let (due, outcome) = match verdict {
            Reuse::Serve(outcome) => (false, outcome),
            Reuse::ServeAndRefresh(outcome) => {
                let entry = found.entry.clone();
                let fallback = false;
                self.stale = Some(Stale { entry, fallback });
                (true, outcome)
            }
            Reuse::Replace { fallback } => {
                let entry = found.entry;
                self.stale = Some(Stale { entry, fallback });
                return Looked::Nothing;
            }
        };
        let response = respond(&found.entry, self.client.asked(), now);
        let response = self
            .policy
            .decided(outcome, response.map(ResponseBody::stored));
        if due {
            Looked::AnsweredDue(response)
        } else {
            Looked::Answered(response)
        }
    }

    pub(crate) async fn follow<B>(&self, flight: &Flight<St::Fill>) -> Followed<B> {
        if !self.is_current(flight, &self.tags).await {
            return Followed::Outdated;
        }
        match flight.landed().await {
            Stage::Answering(answering)
                if self.key.selects(&answering.head.vary)
                    && self.is_current(flight, &answering.tags).await =>
            {
                let response = read_along(&answering, self.client.asked());
                Followed::Answered(self.policy.decided(Outcome::Coalesced, response))
            }
            Stage::Answering(_) => Followed::Outdated,
            Stage::Released => Followed::Released,
            Stage::Opening | Stage::Abandoned => Followed::Abandoned,
        }
    }

    /// Returns whether this request, which came after the flight had begun, may have its answer.
    ///
    /// A flight that has not opened its fill yet will ask the handler later than now.
    async fn is_current(&self, flight: &Flight<St::Fill>, tags: &[Tag]) -> bool {
        match flight.fill() {
            Some(fill) => {
                let current = self.shared.store.is_current(fill, tags).await;
                current.unwrap_or(false)
            }
            None => true,
        }
    }

    /// Answers with a stale entry, if there is one that may be served when the handler fails.
    pub(crate) fn fallback<B>(&self) -> Option<Response<ResponseBody<B>>> {
        let stale = self.stale.as_ref().filter(|stale| stale.fallback)?;
        let now = self.shared.clock.now();
        Some(self.policy.served_stale(&stale.entry, &self.client, now))
    }

    /// Answers a client that wants nothing but what is stored (RFC 9111, section 5.2.1.7).
    pub(crate) fn gateway_timeout<B>(&self) -> Response<ResponseBody<B>> {
        let mut response = Response::new(ResponseBody::default());
        *response.status_mut() = StatusCode::GATEWAY_TIMEOUT;
        let unstorable = Some(Unstorable::Request);
        self.policy.decided(Outcome::Miss { unstorable }, response)
    }
}

fn read_along<B>(answering: &Answering, asked: Asked<'_>) -> Response<ResponseBody<B>> {
    let head = &answering.head;
    asked
        .not_modified(head.status, &head.headers, head.answered_at)
        .unwrap_or_else(|| {
            let reader = answering.filling.reader();
            let body = ResponseBody::filling(reader, answering.length, None);
            let mut response = Response::new(body);
            *response.status_mut() = head.status;
            *response.headers_mut() = head.headers.clone();
            response
        })
}
