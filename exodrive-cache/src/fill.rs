//! A fill: the handler's answer on its way to one client, to those who wait, and into the store.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use tokio::time::timeout;
use tower_service::Service;

use crate::conditional;
use crate::error::BoxError;
use crate::filled::{Filled, Reply};
use crate::flight::Lead;
use crate::limits::Permit;
use crate::question::Question;
use crate::reason::StaleReason;
use crate::storability::Exchange;
use crate::store::{Release, Store};
use crate::terms::CacheTerms;

/// Everything that a fill needs. It runs on its own task, so a client that leaves takes nothing with it.
pub(crate) struct Fill<S, St: Store, B> {
    pub(crate) question: Question<St>,
    pub(crate) lead: Lead<St::Fill>,
    pub(crate) call: Permit,
    pub(crate) service: S,
    pub(crate) request: Request<B>,
}

// === impl Fill ===

impl<S, St, B, ResB> Fill<S, St, B>
where
    S: Service<Request<B>, Response = Response<ResB>>,
    St: Store,
    ResB: Body<Data = Bytes>,
    ResB::Error: Into<BoxError>,
{
    pub(crate) async fn run(mut self, reply: Reply<ResB, S::Error>) {
        let validates = self.validate();
        let filled = Filled {
            question: self.question,
            lead: self.lead,
        };
        let Filled { question, lead } = &filled;
        let shared = &question.shared;
        let requested_at = shared.clock.now();
        let terms = CacheTerms::default();
        self.request.extensions_mut().insert(terms.clone());
        let call = self.service.call(self.request);
        let Ok(answer) = timeout(question.policy.policy.schedule.timeout, call).await else {
            // Those who wait may lead in their turn, as long as their own time lasts.
            lead.release();
            let _ = reply.send(Ok(question.slow().await));
            return filled.release(Release::Failed).await;
        };
        drop(self.call);
        let failed = answer
            .as_ref()
            .map_or(true, |response| is_failure(response.status()));
        if failed && let Some(stale) = question.fallback(StaleReason::Error).await {
            lead.fail();
            let _ = reply.send(Ok(stale));
            return filled.release(Release::Failed).await;
        }
        let (parts, body) = match answer {
            Ok(response) => response.into_parts(),
            Err(error) => {
                lead.fail();
                let _ = reply.send(Err(error));
                return filled.release(Release::Failed).await;
            }
        };
        let exchange = Exchange {
            requested_at,
            answered_at: shared.clock.now(),
            chance: shared.chance.draw(),
            terms: terms.said(),
        };
        question.policy.filled(exchange.fill_time());
        if validates
            && parts.status == StatusCode::NOT_MODIFIED
            && let Some(stale) = &question.stale
        {
            let confirmed = filled.confirm(&stale.entry, &parts, &exchange).await;
            let _ = reply.send(Ok(confirmed));
            return;
        }
        filled.share(parts, body, &exchange, reply).await;
    }

    /// Lets the handler say that a stale entry is still right, and returns whether it can.
    fn validate(&mut self) -> bool {
        let headers = self.request.headers_mut();
        let Question { policy, stale, .. } = &self.question;
        policy.policy.is_transparent()
            && stale
                .as_ref()
                .is_some_and(|stale| conditional::validate(headers, stale.entry.headers()))
    }
}

/// Returns whether an answer says that the handler failed (RFC 5861, section 4).
pub(crate) fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}
