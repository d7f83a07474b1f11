//! The way of a body from the handler to its readers.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body::Body;
use tokio::sync::oneshot;

use crate::error::BoxError;
use crate::filling::{End, Filling};
use crate::flight::Answering;

/// Writes a body for its readers, and returns whether it came to its end and may be stored.
pub(crate) async fn pump<B>(
    body: B,
    answering: &Answering,
    max_body: usize,
    rest: oneshot::Sender<Pin<Box<B>>>,
) -> bool
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let filling = BrokenUnlessEnded(&answering.filling);
    let mut body = Box::pin(body);
    let mut written: u64 = 0;
    loop {
        let frame = match poll_fn(|context| body.as_mut().poll_frame(context)).await {
            None => {
                filling.0.end(End::Complete(None));
                return answering.length.is_none_or(|length| length == written);
            }
            Some(Err(error)) => {
                filling.0.end(End::Broken(Some(Arc::new(error.into()))));
                return false;
            }
            Some(Ok(frame)) => frame,
        };
        match frame.into_data() {
            Ok(data) => {
                written += data.len() as u64;
                filling.0.push(data);
            }
            // An entry has no place for trailers, but those who read along get them.
            Err(frame) => {
                filling.0.end(End::Complete(frame.into_trailers().ok()));
                return false;
            }
        }
        if written > max_body as u64 {
            let _ = rest.send(body);
            filling.0.end(End::HandedOver);
            return false;
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
