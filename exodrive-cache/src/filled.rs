//! What becomes of the handler's answer.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::response::Parts;
use http_body::Body;
use tokio::sync::oneshot;

use crate::Entry;
use crate::body::{ResponseBody, Rest};
use crate::conditional;
use crate::decision::Outcome;
use crate::entry::Head;
use crate::error::BoxError;
use crate::fill::is_failure;
use crate::filling::Filling;
use crate::flight::{Answering, Lead};
use crate::freshness::Freshness;
use crate::groups::CACHE_GROUPS;
use crate::pump::{Pump, Pumped};
use crate::question::Question;
use crate::reason::Unstorable;
use crate::serve::respond;
use crate::shared::Shared;
use crate::storability::{Exchange, Storable, judge, with_declared};
use crate::store::{Release, Store};

/// Where the client that caused the fill waits for its answer.
pub(crate) type Reply<B, E> = oneshot::Sender<Result<Response<ResponseBody<B>>, E>>;

/// A fill that the handler has answered.
pub(crate) struct Filled<St: Store> {
    pub(crate) question: Question<St>,
    pub(crate) lead: Lead<St::Fill>,
}

// === impl Filled ===

impl<St: Store> Filled<St> {
    /// Gives the answer to the client, and to everybody else if it is storable.
    pub(crate) async fn share<B, E>(
        &self,
        mut parts: Parts,
        body: B,
        exchange: &Exchange,
        reply: Reply<B, E>,
    ) where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let Self { question, lead } = self;
        let storable = judge(
            &question.policy,
            lead.key(),
            &question.tags,
            &parts,
            exchange,
            &body.size_hint(),
        );
        let Storable {
            mut head,
            tags,
            length,
        } = match storable {
            Ok(storable) => storable,
            Err(unstorable) => {
                // What comes after a failure may well be storable, and the handler has enough to do without a call for each
                // request.
                let release = if is_failure(parts.status) {
                    lead.fail();
                    Release::Failed
                } else {
                    self.mark_unshareable();
                    lead.abandon();
                    Release::Unstorable
                };
                let outcome = Outcome::Miss {
                    unstorable: Some(unstorable),
                };
                let response = Response::from_parts(parts, ResponseBody::inner(body));
                let response = question.policy.decided(outcome, response);
                let _ = reply.send(Ok(response));
                return self.release(release).await;
            }
        };
        if let Some(groups) = question.policy.groups(&tags) {
            parts.headers.insert(CACHE_GROUPS, groups.clone());
            head.headers.insert(CACHE_GROUPS, groups);
        }
        let answering = Answering {
            head: Arc::new(head),
            tags,
            length,
            filling: Arc::new(Filling::default()),
        };
        if length == Some(0) {
            // The client needs no more than the head.
            lead.complete();
        }
        let (send_rest, rest) = oneshot::channel();
        let _ = reply.send(Ok(self.first_answer(parts, &answering, rest)));
        // A body of unknown length may outgrow its bound, and only one client can have the rest.
        // Others wait for it to be complete.
        if length.is_some() {
            lead.announce(answering.clone());
        }
        let pump = Pump {
            lead,
            answering: &answering,
            policy: &question.policy.policy,
        };
        match pump.run(body, send_rest).await {
            Pumped::Complete => {
                let body = answering.filling.concat();
                self.store(&answering, body).await;
                lead.announce(answering);
            }
            Pumped::Unshareable => {
                self.mark_unshareable();
                lead.abandon();
                self.release(Release::Unstorable).await;
            }
            Pumped::Broken => {
                lead.abandon();
                self.release(Release::Failed).await;
            }
        }
    }

    /// Makes the answer for the client whose request caused the fill.
    fn first_answer<B>(
        &self,
        parts: Parts,
        answering: &Answering,
        rest: Rest<B>,
    ) -> Response<ResponseBody<B>> {
        let Question { policy, client, .. } = &self.question;
        let outcome = Outcome::Miss {
            unstorable: self.lead.fill().is_none().then_some(Unstorable::Store),
        };
        let received_at = answering.head.answered_at;
        let asked = client.asked();
        if let Some(response) = asked.not_modified(parts.status, &parts.headers, received_at) {
            return policy.decided(outcome, response);
        }
        let reader = answering.filling.reader();
        let body = ResponseBody::filling(reader, answering.length, Some(rest));
        policy.decided(outcome, Response::from_parts(parts, body))
    }

    /// Serves the stale entry that the handler said is still right, and renews it (RFC 9111, section 4.3.4).
    pub(crate) async fn confirm<B>(
        &self,
        entry: &Entry,
        answer: &Parts,
        exchange: &Exchange,
    ) -> Response<ResponseBody<B>> {
        let Self { question, lead } = self;
        let outcome = Outcome::Revalidated;
        // A 304 has no need to declare again what the stored answer was made from.
        let known = [&*question.tags, entry.tags()].concat();
        let tags = with_declared(known, &question.policy, lead.key(), answer, exchange).ok();
        let tags = tags.filter(|_| conditional::selects(entry.headers(), &answer.headers));
        let Some(tags) = tags else {
            // The handler has nothing new, but what it says is not about the stored answer.
            lead.abandon();
            self.release(Release::Failed).await;
            let response = respond(entry, question.client.asked());
            let now = exchange.answered_at;
            return question.policy.served(outcome, entry, now, response);
        };
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
        let body = entry.body().clone();
        let answering = Answering {
            head: Arc::new(head),
            tags,
            length: Some(body.len() as u64),
            filling: Arc::new(Filling::complete(body.clone())),
        };
        let entry = self.store(&answering, body).await;
        lead.announce(answering);
        let response = respond(&entry, question.client.asked());
        let now = exchange.answered_at;
        question.policy.served(outcome, &entry, now, response)
    }

    /// Ends the fill in the store, and returns the entry.
    pub(crate) async fn store(&self, answering: &Answering, body: Bytes) -> Entry {
        let Question { policy, shared, .. } = &self.question;
        let tags = answering.tags.clone();
        let entry = Entry::new(&policy.policy, self.lead.key(), &answering.head, tags, body);
        if shared.commit(&policy.name, &self.lead, entry.clone()).await {
            policy.stored(entry.body().len());
        }
        entry
    }

    /// Ends the fill in the store without an entry.
    pub(crate) async fn release(&self, release: Release) {
        if let Some(fill) = self.lead.fill() {
            self.question.shared.store.release(fill, release).await;
        }
    }

    /// Lets requests for the key go to the handler side by side for a while.
    fn mark_unshareable(&self) {
        let Shared {
            hit_for_miss,
            clock,
            ..
        } = &*self.question.shared;
        hit_for_miss.mark(self.lead.key(), clock.now());
    }
}
