//! What a request asks of the store and of the fills that are under way.

use std::sync::Arc;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Response};

use crate::body::ResponseBody;
use crate::client::Client;
use crate::decision::Outcome;
use crate::early_refresh::EarlyRefresh;
use crate::flight::{Answering, Flight, Join, Lead, Stage};
use crate::reason::{StaleReason, Unanswered};
use crate::reuse::{Reuse, reuse};
use crate::route_policy::RoutePolicy;
use crate::serve::{Asked, respond};
use crate::shared::Shared;
use crate::store::{Found, Store};
use crate::{CacheKey, Entry, Tag};

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

/// An entry whose time is over.
#[derive(Clone, Debug)]
pub(crate) struct Stale {
    pub(crate) entry: Arc<Entry>,
    /// Whether it may be served if the handler fails.
    pub(crate) fallback: bool,
}

/// What the store says.
pub(crate) enum Looked<B> {
    /// It has the answer.
    Answered(Response<ResponseBody<B>>),
    /// It has an answer that may be served while a new one is fetched, which is due.
    AnsweredDue(Response<ResponseBody<B>>),
    /// It has none, or one that has to be replaced first.
    Nothing,
}

pub(crate) enum Followed<B> {
    Answered(Response<ResponseBody<B>>),
    Outdated,
    Released,
    Failed,
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
        // Trouble with the store is a miss, but what it was known to have before may still be of use.
        match self.shared.store.lookup(&self.key, &self.tags).await {
            Ok(Some(found)) => self.look_at(found),
            Ok(None) => {
                self.stale = None;
                Looked::Nothing
            }
            Err(_) => Looked::Nothing,
        }
    }

    pub(crate) fn look_at<B>(&mut self, found: Found) -> Looked<B> {
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
        let response = respond(&found.entry, self.client.asked());
        let response = self.policy.served(outcome, &found.entry, now, response);
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
        if flight.is_complete() {
            flight.stored().await;
            return Followed::Released;
        }
        match flight.landed().await {
            Stage::Answering(answering) | Stage::Answered(answering)
                if self.key.selects(&answering.head.vary)
                    && self.is_current(flight, &answering.tags).await =>
            {
                let response = read_along(&answering, self.client.asked());
                Followed::Answered(self.policy.decided(Outcome::Coalesced, response))
            }
            Stage::Answering(_) | Stage::Answered(_) => Followed::Outdated,
            Stage::Released => Followed::Released,
            Stage::Failed => Followed::Failed,
            Stage::Opening | Stage::Abandoned => Followed::Abandoned,
        }
    }

    /// Returns whether this request, which came after the flight had begun, may have its answer.
    ///
    /// A flight that has not opened its fill yet will ask the handler later than now.
    async fn is_current(&self, flight: &Flight<St::Fill>, tags: &[Tag]) -> bool {
        match flight.basis() {
            Some(basis) => self.shared.is_current(basis, tags).await,
            None => true,
        }
    }

    /// Returns whether there is a stale entry that may be served when the handler fails.
    pub(crate) fn has_fallback(&self) -> bool {
        self.stale.as_ref().is_some_and(|stale| stale.fallback)
    }

    /// Answers from the store, if there was a stale entry that may be served when the handler fails and
    /// nothing has removed it since.
    pub(crate) async fn fallback<B>(
        &self,
        reason: StaleReason,
    ) -> Option<Response<ResponseBody<B>>> {
        if !self.has_fallback() {
            return None;
        }
        let found = self.shared.store.lookup(&self.key, &self.tags).await;
        let mut now = self.clone();
        match now.look_at(found.ok()??) {
            // Somebody else has replaced it.
            Looked::Answered(response) | Looked::AnsweredDue(response) => return Some(response),
            Looked::Nothing => {}
        }
        let Stale { entry, .. } = now.stale.filter(|stale| stale.fallback)?;
        let now = self.shared.clock.now();
        let age = entry.age(now);
        let response = respond(&entry, self.client.asked());
        let outcome = Outcome::Stale { age, reason };
        Some(self.policy.served(outcome, &entry, now, response))
    }

    /// Answers when the handler is not to be waited for any longer.
    pub(crate) async fn slow<B>(&self) -> Response<ResponseBody<B>> {
        let stale = self.fallback(StaleReason::Slow).await;
        stale.unwrap_or_else(|| self.unanswered(Unanswered::Slow))
    }

    /// Answers when the handler has enough to do.
    pub(crate) async fn overloaded<B>(&self) -> Response<ResponseBody<B>> {
        let stale = self.fallback(StaleReason::Overloaded).await;
        stale.unwrap_or_else(|| self.unanswered(Unanswered::Overloaded))
    }

    pub(crate) fn unanswered<B>(&self, reason: Unanswered) -> Response<ResponseBody<B>> {
        let mut response = Response::new(ResponseBody::default());
        *response.status_mut() = reason.status();
        if reason == Unanswered::Overloaded {
            // The calls that are under way take a moment, and nobody knows how long.
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        self.policy.decided(Outcome::Unanswered(reason), response)
    }
}

impl<St: Store> Clone for Question<St> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            policy: self.policy.clone(),
            key: self.key.clone(),
            tags: self.tags.clone(),
            client: self.client.clone(),
            early: self.early,
            stale: self.stale.clone(),
        }
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
