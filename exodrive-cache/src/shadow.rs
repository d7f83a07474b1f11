//! A request under a policy that is tried out: answered by the handler, and compared with what is stored.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::sync::oneshot;
use tower_service::Service;
use tracing::Instrument;

use crate::body::ResponseBody;
use crate::entry::Entry;
use crate::error::BoxError;
use crate::fill::is_failure;
use crate::filled::Filled;
use crate::filling::Filling;
use crate::flight::{Answering, Lead};
use crate::pump::{Pump, Pumped};
use crate::question::Question;
use crate::reuse::{Reuse, reuse};
use crate::storability::{Exchange, Storable, judge};
use crate::store::{Opened, Opening, Release, Store, Turn};
use crate::terms::CacheTerms;

/// Answers by the handler. What the cache would have done happens beside it, under the question's own key.
pub(crate) async fn shadow<S, St, B, ResB>(
    question: Question<St>,
    mut service: S,
    mut request: Request<B>,
) -> Result<Response<ResponseBody<ResB>>, S::Error>
where
    S: Service<Request<B>, Response = Response<ResB>>,
    St: Store,
    ResB: Body<Data = Bytes> + Send + 'static,
    ResB::Error: Into<BoxError>,
{
    let served = served(&question).await;
    let filled = Filled {
        lead: Lead::alone(&question.key),
        question,
    };
    if served.is_none() {
        filled.open().await;
    }
    let Filled { question, lead } = &filled;
    let terms = CacheTerms::default();
    request.extensions_mut().insert(terms.clone());
    let requested_at = question.shared.clock.now();
    let (parts, body) = service.call(request).await?.into_parts();
    let exchange = Exchange {
        requested_at,
        answered_at: question.shared.clock.now(),
        chance: question.shared.chance.draw(),
        terms: terms.said(),
    };
    let storable = judge(
        &question.policy,
        lead.key(),
        &question.tags,
        &parts,
        &exchange,
        &body.size_hint(),
    );
    let Ok(Storable { head, tags, length }) = storable else {
        // A failure would have been covered up by the entry, which is what it is for.
        if let Some(entry) = served.filter(|_| !is_failure(parts.status)) {
            filled.compare(&entry, false).await;
        }
        filled.release(Release::Failed).await;
        return Ok(Response::from_parts(parts, ResponseBody::inner(body)));
    };
    let answering = Answering {
        head: Arc::new(head),
        tags,
        length,
        filling: Arc::new(Filling::default()),
    };
    let (send_rest, rest) = oneshot::channel();
    let response_body = ResponseBody::filling(answering.filling.reader(), length, Some(rest));
    let beside = async move {
        let pump = Pump {
            lead: &filled.lead,
            answering: &answering,
            policy: &filled.question.policy.policy,
        };
        if pump.run(body, send_rest).await != Pumped::Complete {
            return filled.release(Release::Failed).await;
        }
        let body = answering.filling.concat();
        match served {
            Some(entry) => {
                let is_same = entry.status() == answering.head.status && *entry.body() == body;
                filled.compare(&entry, is_same).await;
            }
            None => drop(filled.store(&answering, body).await),
        }
    };
    tokio::spawn(beside.in_current_span());
    Ok(Response::from_parts(parts, response_body))
}

/// Returns what would have been served at once.
async fn served<St: Store>(question: &Question<St>) -> Option<Arc<Entry>> {
    let Question { shared, client, .. } = question;
    let found = shared.store.lookup(&question.key, &question.tags).await;
    let found = found.ok().flatten()?;
    let now = shared.clock.now();
    let verdict = reuse(
        &found.entry,
        found.outdated,
        &client.directives,
        question.early,
        now,
    );
    match verdict {
        Reuse::Serve(_) | Reuse::ServeAndRefresh(_) => Some(found.entry),
        Reuse::Replace { .. } => None,
    }
}

impl<St: Store> Filled<St> {
    /// Opens a fill, if nobody else does.
    async fn open(&self) {
        let Question {
            shared, key, tags, ..
        } = &self.question;
        let opening = Opening {
            key,
            tags,
            replaces: None,
            turn: Turn::Yield,
            replica_lag: self.question.policy.policy.schedule.replica_lag,
        };
        if let Opened::Fill(basis) = shared.open(opening).await {
            self.lead.open(basis);
        }
    }

    /// Takes note of a comparison with `entry`, unless it is outdated by now: then the handler knew better
    /// because something was invalidated while it ran.
    async fn compare(&self, entry: &Arc<Entry>, is_same: bool) {
        let is_still_served = served(&self.question).await.is_some_and(|now| {
            Arc::ptr_eq(&now, entry) || now.answered_at() == entry.answered_at()
        });
        if !is_still_served {
            return;
        }
        let Question { policy, key, .. } = &self.question;
        policy.compared(is_same);
        if !is_same {
            tracing::debug!(policy = %policy.name, ?key, "the handler's answer is not the stored one");
        }
    }
}
