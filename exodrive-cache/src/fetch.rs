//! A request that the memory could not answer: from the store, from a fill under way, or from the handler.

use std::future;
use std::panic;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower_service::Service;
use tracing::Instrument;

use crate::body::ResponseBody;
use crate::decision::Outcome;
use crate::error::BoxError;
use crate::fill::{Fill, is_failure};
use crate::flight::{Join, Lead};
use crate::limits::Permit;
use crate::patience::Patience;
use crate::question::{Followed, Looked, Question};
use crate::reason::{StaleReason, Unanswered, Unstorable};
use crate::store::{Found, Opened, Opening, Store, Turn};
use crate::terms::CacheTerms;

/// How often a request joins a fill that turns out to be of no use to it before it goes to the handler alone.
pub(crate) const MAX_JOINS: usize = 3;

/// A request that the memory could not answer.
pub(crate) struct Fetch<S, St: Store, B> {
    pub(crate) question: Question<St>,
    pub(crate) service: S,
    pub(crate) request: Request<B>,
}

// === impl Fetch ===

impl<S, St, B, ResB> Fetch<S, St, B>
where
    S: Service<Request<B>, Response = Response<ResB>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    St: Store,
    B: Send + 'static,
    ResB: Body<Data = Bytes> + Send + 'static,
    ResB::Error: Into<BoxError>,
{
    /// Answers a HEAD from an entry. Without one, the answer of the handler has no body to store.
    pub(crate) async fn head(mut self) -> Result<Response<ResponseBody<ResB>>, S::Error> {
        let patience = Patience::start(&self.question.policy.policy.schedule);
        match self.question.lookup().await {
            Looked::Answered(response) | Looked::AnsweredDue(response) => Ok(response),
            Looked::Nothing => self.alone(Unstorable::Head, patience).await,
        }
    }

    /// Answers a GET from the store, from a fill that is under way, or by filling.
    pub(crate) async fn get(mut self) -> Result<Response<ResponseBody<ResB>>, S::Error> {
        let patience = Patience::start(&self.question.policy.policy.schedule);
        let mut outdated = None;
        for _ in 0..MAX_JOINS {
            let join = self.question.join(outdated.as_ref());
            // Another fill may have ended since this request looked.
            let looked = self.question.lookup().await;
            match (join, looked) {
                (Join::Lead(lead), Looked::Answered(response)) => {
                    lead.release();
                    return Ok(response);
                }
                (Join::Lead(lead), Looked::AnsweredDue(response)) => {
                    self.refresh(lead).await;
                    return Ok(response);
                }
                (Join::Lead(lead), Looked::Nothing) => return self.lead(lead, patience).await,
                // Who may be served while the fill goes on has no reason to wait.
                (Join::Follow(_), Looked::Answered(response) | Looked::AnsweredDue(response)) => {
                    return Ok(response);
                }
                (Join::Follow(flight), Looked::Nothing) => {
                    let followed = self.question.follow(&flight);
                    let has_fallback = self.question.has_fallback();
                    match patience.wait(has_fallback, followed).await {
                        Some(Followed::Answered(response)) => return Ok(response),
                        Some(Followed::Outdated) => outdated = Some(flight),
                        Some(Followed::Released) => outdated = None,
                        Some(Followed::Failed) => {
                            if let Some(stale) = self.question.fallback(StaleReason::Error).await {
                                return Ok(stale);
                            }
                            // A handler in trouble is asked by one at a time, as before.
                            outdated = None;
                        }
                        Some(Followed::Abandoned) => break,
                        None => return Ok(self.question.slow().await),
                    }
                }
            }
        }
        self.alone(Unstorable::Abandoned, patience).await
    }

    async fn lead(
        self,
        lead: Lead<St::Fill>,
        patience: Patience,
    ) -> Result<Response<ResponseBody<ResB>>, S::Error> {
        let question = self.question.clone();
        if question.client.directives.only_if_cached {
            lead.release();
            return Ok(question.unanswered(Unanswered::OnlyIfCached));
        }
        let Some(call) = question.policy.limits.call() else {
            lead.release();
            return Ok(question.overloaded().await);
        };
        let filled = self.fill(lead, call, patience);
        let filled = patience.wait(question.has_fallback(), filled).await;
        match filled {
            Some(answer) => answer,
            None => Ok(question.slow().await),
        }
    }

    async fn fill(
        self,
        lead: Lead<St::Fill>,
        call: Permit,
        patience: Patience,
    ) -> Result<Response<ResponseBody<ResB>>, S::Error> {
        let (answer, task) = match self.start(lead, call, None).await {
            Start::Filling(answer, task) => (answer, task),
            Start::Found(mut fetch, found) => {
                return match fetch.question.look_at(found) {
                    Looked::Answered(response) | Looked::AnsweredDue(response) => Ok(response),
                    Looked::Nothing => fetch.alone(Unstorable::Abandoned, patience).await,
                };
            }
            Start::Busy(fetch) => return fetch.alone(Unstorable::Abandoned, patience).await,
        };
        match answer.await {
            Ok(answer) => answer,
            Err(_) => match task.await {
                Err(error) if error.is_panic() => panic::resume_unwind(error.into_panic()),
                // The runtime is shutting down, and with it whoever waits for this.
                Err(_) | Ok(()) => future::pending().await,
            },
        }
    }

    /// Replaces an entry in the background, unless there is too much of that already.
    async fn refresh(self, lead: Lead<St::Fill>) {
        let limits = &self.question.policy.limits;
        match (limits.refresh(), limits.call()) {
            // Nobody waits for the answer, but the fill goes on.
            (Some(refresh), Some(call)) => drop(self.start(lead, call, Some(refresh)).await),
            _ => lead.release(),
        }
    }

    /// Starts a fill, in the background if it is a `refresh`.
    async fn start(
        self,
        lead: Lead<St::Fill>,
        call: Permit,
        refresh: Option<Permit>,
    ) -> Start<S, St, B, ResB> {
        let question = &self.question;
        let opening = Opening {
            key: &question.key,
            tags: &question.tags,
            replaces: question.stale.as_ref().map(|stale| &*stale.entry),
            turn: match refresh {
                Some(_) => Turn::Yield,
                None => Turn::Wait,
            },
            replica_lag: question.policy.policy.schedule.replica_lag,
        };
        match question.shared.open(opening).await {
            Opened::Fill(basis) => lead.open(basis),
            Opened::Found(found) => {
                lead.release();
                return Start::Found(self, found);
            }
            Opened::Busy => {
                lead.release();
                return Start::Busy(self);
            }
        }
        let fill = Fill {
            question: self.question,
            lead,
            call,
            service: self.service,
            request: self.request,
        };
        let (reply, answer) = oneshot::channel();
        let filling = async move {
            fill.run(reply).await;
            drop(refresh);
        };
        let task = tokio::spawn(filling.in_current_span());
        Start::Filling(answer, task)
    }

    /// Asks the handler for this request only.
    async fn alone(
        mut self,
        unstorable: Unstorable,
        patience: Patience,
    ) -> Result<Response<ResponseBody<ResB>>, S::Error> {
        let question = self.question;
        if question.client.directives.only_if_cached {
            return Ok(question.unanswered(Unanswered::OnlyIfCached));
        }
        let Some(_call) = question.policy.limits.call() else {
            return Ok(question.overloaded().await);
        };
        // What the handler says of storing has no effect on this answer, but it may count on being heard.
        let extensions = self.request.extensions_mut();
        extensions.insert(CacheTerms::default());
        let call = self.service.call(self.request);
        let Some(answer) = patience.wait(question.has_fallback(), call).await else {
            return Ok(question.slow().await);
        };
        let failed = answer
            .as_ref()
            .map_or(true, |response| is_failure(response.status()));
        if failed && let Some(stale) = question.fallback(StaleReason::Error).await {
            return Ok(stale);
        }
        let unstorable = Some(unstorable);
        let response = answer?.map(ResponseBody::inner);
        Ok(question
            .policy
            .decided(Outcome::Miss { unstorable }, response))
    }
}

/// What becomes of a request that is to start a fill.
enum Start<S: Service<Request<B>>, St: Store, B, ResB> {
    /// The fill runs on a task, and its answer arrives here.
    Filling(
        oneshot::Receiver<Result<Response<ResponseBody<ResB>>, S::Error>>,
        JoinHandle<()>,
    ),
    /// Another instance has filled the key.
    Found(Fetch<S, St, B>, Found),
    /// Another instance is filling the key.
    Busy(Fetch<S, St, B>),
}
