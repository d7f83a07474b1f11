//! The way of a body from the handler to its readers.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::error::BoxError;
use crate::filling::{End, Filling};
use crate::flight::{Answering, Lead};
use crate::policy::CachePolicy;

/// Writes a body for its readers.
pub(crate) struct Pump<'a, F> {
    pub(crate) lead: &'a Lead<F>,
    pub(crate) answering: &'a Answering,
    pub(crate) policy: &'a CachePolicy,
}

/// What became of a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pumped {
    /// It came to its end and may be stored.
    Complete,
    /// It is one that cannot be shared, and so will be the next one.
    Unshareable,
    /// It broke off.
    Broken,
}

impl<F> Pump<'_, F> {
    /// Writes `body` to its end, or hands it over: what is too long, or takes too long, goes on as `rest`.
    pub(crate) async fn run<B>(&self, body: B, rest: oneshot::Sender<Pin<Box<B>>>) -> Pumped
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let filling = BrokenUnlessEnded(&self.answering.filling);
        let length = self.answering.length;
        let started = Instant::now();
        let mut body = Box::pin(body);
        let mut written: u64 = 0;
        loop {
            let next = poll_fn(|context| body.as_mut().poll_frame(context));
            let frame = match timeout(self.patience(started), next).await {
                Err(_) => break,
                Ok(None) => {
                    self.lead.complete();
                    filling.0.end(End::Complete(None));
                    return match length {
                        Some(length) if length != written => Pumped::Broken,
                        _ => Pumped::Complete,
                    };
                }
                Ok(Some(Err(error))) => {
                    filling.0.end(End::Broken(Some(Arc::new(error.into()))));
                    return Pumped::Broken;
                }
                Ok(Some(Ok(frame))) => frame,
            };
            let data = match frame.into_data() {
                Ok(data) => data,
                Err(frame) => return self.trailers(frame),
            };
            written += data.len() as u64;
            if length == Some(written) {
                // A client that counts may not wait for the end.
                self.lead.complete();
            }
            filling.0.push(data);
            if written > self.policy.max_body as u64 {
                break;
            }
        }
        let _ = rest.send(body);
        filling.0.end(End::HandedOver);
        Pumped::Unshareable
    }

    /// An entry has no place for trailers, but those who read along get them.
    fn trailers(&self, frame: Frame<Bytes>) -> Pumped {
        self.lead.complete();
        let trailers = frame.into_trailers().ok();
        self.answering.filling.end(End::Complete(trailers));
        Pumped::Unshareable
    }

    /// Returns how long the next piece may take.
    ///
    /// A body of declared length is read along, so it goes on for as long as it moves. For the end of
    /// any other those who wait know nothing, so it has to come in time.
    fn patience(&self, started: Instant) -> Duration {
        match self.answering.length {
            Some(_) => self.policy.schedule.timeout,
            None => self
                .policy
                .schedule
                .timeout
                .saturating_sub(started.elapsed()),
        }
    }
}

/// Tells the readers if the writing stops before its end: the body panicked.
struct BrokenUnlessEnded<'a>(&'a Filling);

impl Drop for BrokenUnlessEnded<'_> {
    fn drop(&mut self) {
        self.0.end(End::Broken(None));
    }
}
