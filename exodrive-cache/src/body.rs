//! The body of an answer of a cached route.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::sync::oneshot;

use crate::error::BoxError;
use crate::filling::{Next, Reader};

pin_project! {
    /// The body of an answer: stored, on its way into the store, or the handler's own.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        state: State<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = StateProjection]
    enum State<B> {
        Stored { bytes: Option<Bytes> },
        Filling { reader: Reader, length: Option<u64>, rest: Option<Rest<B>> },
        Rest { body: Pin<Box<B>> },
        Inner { #[pin] body: B },
    }
}

/// Where the remainder of a body arrives that outgrows its fill.
pub(crate) type Rest<B> = oneshot::Receiver<Pin<Box<B>>>;

/// A body that broke off: the handler's body failed after the answer had begun.
#[derive(Debug)]
pub struct BodyError(Option<Arc<BoxError>>);

// === impl ResponseBody ===

impl<B> ResponseBody<B> {
    pub(crate) fn stored(bytes: Bytes) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        Self {
            state: State::Stored { bytes },
        }
    }

    /// Reads along with a fill. `rest` is what follows if the body outgrows the fill.
    pub(crate) fn filling(reader: Reader, length: Option<u64>, rest: Option<Rest<B>>) -> Self {
        Self {
            state: State::Filling {
                reader,
                length,
                rest,
            },
        }
    }

    pub(crate) fn inner(body: B) -> Self {
        Self {
            state: State::Inner { body },
        }
    }
}

impl<B> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::stored(Bytes::new())
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            let mut this = self.as_mut().project();
            let rest = match this.state.as_mut().project() {
                StateProjection::Stored { bytes } => {
                    return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))));
                }
                StateProjection::Inner { body } => {
                    return body.poll_frame(context).map_err(BodyError::from_inner);
                }
                StateProjection::Rest { body } => {
                    return body
                        .as_mut()
                        .poll_frame(context)
                        .map_err(BodyError::from_inner);
                }
                StateProjection::Filling {
                    reader,
                    length,
                    rest,
                } => {
                    match ready!(reader.poll_next(context)) {
                        Next::Frame(frame) => {
                            if let (Some(length), Some(data)) = (length, frame.data_ref()) {
                                *length = length.saturating_sub(data.len() as u64);
                            }
                            return Poll::Ready(Some(Ok(frame)));
                        }
                        Next::Complete => return Poll::Ready(None),
                        Next::Broken(error) => return Poll::Ready(Some(Err(BodyError(error)))),
                        // The rest is sent before the hand-over is announced.
                        Next::HandedOver => rest.take().and_then(|mut rest| rest.try_recv().ok()),
                    }
                }
            };
            match rest {
                // Filling => Rest: this reader goes on where the fill stopped.
                Some(body) => this.state.set(State::Rest { body }),
                None => return Poll::Ready(Some(Err(BodyError(None)))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Stored { bytes } => bytes.is_none(),
            State::Filling { .. } => false,
            State::Rest { body } => body.is_end_stream(),
            State::Inner { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Stored { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
            State::Filling { length, .. } => {
                length.map_or_else(SizeHint::default, SizeHint::with_exact)
            }
            State::Rest { body } => body.size_hint(),
            State::Inner { body } => body.size_hint(),
        }
    }
}

// === impl BodyError ===

impl BodyError {
    fn from_inner(error: impl Into<BoxError>) -> Self {
        Self(Some(Arc::new(error.into())))
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer's body broke off")
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_ref().map(|source| &***source as _)
    }
}
