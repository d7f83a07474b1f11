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
use crate::decision::{Outcome, Unstorable};
use crate::error::BoxError;
use crate::fill::{Context, Fill, is_failure};
use crate::flight::{Join, Lead};
use crate::question::{Followed, Looked, Question};
use crate::store::{Found, Opened, Opening, Store};

/// How often a request joins a fill that turns out to be of no use to it before it goes to the handler alone.
const MAX_JOINS: usize = 3;

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
        match self.question.lookup().await {
            Looked::Answered(response) | Looked::AnsweredDue(response) => Ok(response),
            Looked::Nothing => self.alone(Unstorable::Head).await,
        }
    }

    /// Answers a GET from the store, from a fill that is under way, or by filling.
    pub(crate) async fn get(mut self) -> Result<Response<ResponseBody<ResB>>, S::Error> {
        let mut outdated = None;
        for _ in 0..MAX_JOINS {
            match self.question.join(outdated.as_ref()) {
                // Another fill may have ended since this request looked.
                Join::Lead(lead) => match self.question.lookup().await {
                    Looked::Answered(response) => {
                        lead.release();
                        return Ok(response);
                    }
                    Looked::AnsweredDue(response) => {
                        // Nobody waits for the answer, but the fill goes on.
                        drop(self.start(lead, false).await);
                        return Ok(response);
                    }
                    Looked::Nothing => return self.lead(lead).await,
                },
                Join::Follow(flight) => {
                    // Who may be served while the fill goes on has no reason to wait.
                    if let Looked::AnsweredDue(response) = self.question.peek() {
                        return Ok(response);
                    }
                    match self.question.follow(&flight).await {
                        Followed::Answered(response) => return Ok(response),
                        Followed::Outdated => outdated = Some(flight),
                        Followed::Released => outdated = None,
                        Followed::Abandoned => break,
                    }
                }
            }
        }
        self.alone(Unstorable::Abandoned).await
    }

    async fn lead(self, lead: Lead<St::Fill>) -> Result<Response<ResponseBody<ResB>>, S::Error> {
        if self.question.client.directives.only_if_cached {
            return Ok(self.question.gateway_timeout());
        }
        match self.start(lead, true).await {
            Start::Filling(answer, task) => match answer.await {
                Ok(answer) => answer,
                Err(_) => match task.await {
                    Err(error) if error.is_panic() => panic::resume_unwind(error.into_panic()),
                    // The runtime is shutting down, and with it whoever waits for this.
                    Err(_) | Ok(()) => future::pending().await,
                },
            },
            Start::Found(mut fetch, found) => match fetch.question.look_at(Some(found)) {
                Looked::Answered(response) | Looked::AnsweredDue(response) => Ok(response),
                Looked::Nothing => fetch.alone(Unstorable::Abandoned).await,
            },
            Start::Busy(fetch) => fetch.alone(Unstorable::Abandoned).await,
            Start::Failed(fetch) => fetch.alone(Unstorable::Store).await,
        }
    }

    /// Starts a fill, or gives the request back if there is none to start.
    async fn start(self, lead: Lead<St::Fill>, waits: bool) -> Start<S, St, B, ResB> {
        let question = &self.question;
        let opening = Opening {
            key: &question.key,
            tags: &question.tags,
            replaces: question.stale.as_ref().map(|stale| &*stale.entry),
            waits,
        };
        match question.shared.store.open(opening).await {
            Ok(Opened::Fill(fill)) => lead.open(fill),
            Ok(Opened::Found(found)) => {
                lead.release();
                return Start::Found(self, found);
            }
            Ok(Opened::Busy) => {
                lead.release();
                return Start::Busy(self);
            }
            Err(_) => return Start::Failed(self),
        }
        let question = self.question;
        let fill = Fill {
            context: Context {
                shared: question.shared,
                policy: question.policy,
                lead,
                tags: question.tags,
                client: question.client,
                stale: question.stale,
            },
            service: self.service,
            request: self.request,
        };
        let (reply, answer) = oneshot::channel();
        let task = tokio::spawn(fill.run(reply).in_current_span());
        Start::Filling(answer, task)
    }

    /// Asks the handler for this request only.
    async fn alone(
        mut self,
        unstorable: Unstorable,
    ) -> Result<Response<ResponseBody<ResB>>, S::Error> {
        let question = self.question;
        if question.client.directives.only_if_cached {
            return Ok(question.gateway_timeout());
        }
        let outcome = Outcome::Miss {
            unstorable: Some(unstorable),
        };
        match (self.service.call(self.request).await, question.fallback()) {
            (Err(_), Some(stale)) => Ok(stale),
            (Ok(response), Some(stale)) if is_failure(response.status()) => Ok(stale),
            (answer, _) => {
                let response = answer?.map(ResponseBody::inner);
                Ok(question.policy.decided(outcome, response))
            }
        }
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
    /// The store cannot take a fill.
    Failed(Fetch<S, St, B>),
}
