//! A body on its way from the handler to everybody who waits for it.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Frame;
use parking_lot::Mutex;

use crate::error::BoxError;

/// A growing body: one writer, any number of readers, each at its own pace.
///
/// What was written stays until the last reader is gone, so a slow reader delays nobody. The writer
/// bounds the length.
#[derive(Debug, Default)]
pub(crate) struct Filling(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    chunks: Vec<Bytes>,
    end: Option<End>,
    /// One place for each reader, by its number.
    waiting: Vec<Option<Waker>>,
}

/// How the writing ended.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// The body is complete, with these trailers.
    Complete(Option<HeaderMap>),
    /// The body grew past its bound; what follows goes to the first reader alone.
    HandedOver,
    /// The handler's body failed, or was dropped without an error.
    Broken(Option<Arc<BoxError>>),
}

/// What a reader finds next.
pub(crate) enum Next {
    Frame(Frame<Bytes>),
    Complete,
    HandedOver,
    Broken(Option<Arc<BoxError>>),
}

/// One reader of a [`Filling`].
#[derive(Debug)]
pub(crate) struct Reader {
    filling: Arc<Filling>,
    number: usize,
    next: usize,
    trailers_read: bool,
}

// === impl Filling ===

impl Filling {
    /// Makes a body that is there already.
    pub(crate) fn complete(body: Bytes) -> Self {
        let filling = Self::default();
        filling.push(body);
        filling.end(End::Complete(None));
        filling
    }

    pub(crate) fn push(&self, chunk: Bytes) {
        let mut state = self.0.lock();
        state.chunks.push(chunk);
        state.wake();
    }

    pub(crate) fn end(&self, end: End) {
        let mut state = self.0.lock();
        // The first end counts: a writer that is dropped after it has ended has nothing to say.
        state.end.get_or_insert(end);
        state.wake();
    }

    /// Returns everything that was written, in memory of its own.
    pub(crate) fn concat(&self) -> Bytes {
        let state = self.0.lock();
        // Copied even if it is in one piece: that may be a small part of a buffer, all of which would stay with it.
        let mut whole = BytesMut::with_capacity(state.chunks.iter().map(Bytes::len).sum());
        for chunk in &state.chunks {
            whole.extend_from_slice(chunk);
        }
        whole.freeze()
    }

    pub(crate) fn reader(self: &Arc<Self>) -> Reader {
        let mut state = self.0.lock();
        state.waiting.push(None);
        Reader {
            number: state.waiting.len() - 1,
            filling: self.clone(),
            next: 0,
            trailers_read: false,
        }
    }
}

impl State {
    fn wake(&mut self) {
        for waker in self.waiting.iter_mut().filter_map(Option::take) {
            waker.wake();
        }
    }
}

// === impl Reader ===

impl Reader {
    pub(crate) fn poll_next(&mut self, context: &Context<'_>) -> Poll<Next> {
        let mut state = self.filling.0.lock();
        if let Some(chunk) = state.chunks.get(self.next) {
            self.next += 1;
            return Poll::Ready(Next::Frame(Frame::data(chunk.clone())));
        }
        Poll::Ready(match &state.end {
            None => {
                state.waiting[self.number] = Some(context.waker().clone());
                return Poll::Pending;
            }
            Some(End::Complete(Some(trailers))) if !self.trailers_read => {
                self.trailers_read = true;
                Next::Frame(Frame::trailers(trailers.clone()))
            }
            Some(End::Complete(_)) => Next::Complete,
            Some(End::HandedOver) => Next::HandedOver,
            Some(End::Broken(error)) => Next::Broken(error.clone()),
        })
    }
}
