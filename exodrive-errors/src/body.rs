use std::fmt;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http::StatusCode;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use pin_project_lite::pin_project;

use crate::chain;
use crate::code::ErrorCode;
use crate::context::Cause;
use crate::context::RequestContext;
use crate::error::BoxError;
use crate::panic;
use crate::panic::Panicked;

pin_project! {
    /// The body of a response: an envelope, or the body of the service inside.
    ///
    /// A body that fails or panics after the headers were sent is logged with the trace id and ends with an error, so that
    /// the client sees a broken response and not a short one.
    pub struct ResponseBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProject]
    enum Kind<B> {
        Envelope { document: Bytes },
        Inner { #[pin] body: B, watch: Option<Watch> },
    }
}

/// What is needed to report a body that fails; gone once it has.
#[derive(Debug)]
struct Watch {
    context: RequestContext,
    status: StatusCode,
}

/// A body failure that has been reported, so that no layer further out does it again.
#[derive(Debug, thiserror::Error)]
#[error("the response body failed")]
struct ReportedBodyError {
    source: BoxError,
}

impl<B> ResponseBody<B> {
    pub(crate) fn envelope(document: Bytes) -> Self {
        let kind = Kind::Envelope { document };
        Self { kind }
    }

    pub(crate) fn inner(body: B, context: RequestContext, status: StatusCode) -> Self {
        let watch = Some(Watch { context, status });
        let kind = Kind::Inner { body, watch };
        Self { kind }
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let (body, watch) = match self.project().kind.project() {
            KindProject::Envelope { document } => {
                let document = std::mem::take(document);
                let frame = (!document.is_empty()).then(|| Ok(Frame::data(document)));
                return Poll::Ready(frame);
            }
            KindProject::Inner { body, watch } => (body, watch),
        };
        // A body that has failed is over, and one that has panicked must not be touched.
        if watch.is_none() {
            return Poll::Ready(None);
        }
        let failed = match panic::catch(|| body.poll_frame(cx)) {
            Ok(poll) => match ready!(poll) {
                Some(Err(error)) => BodyFailure::Error(error.into()),
                Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
                None => return Poll::Ready(None),
            },
            Err(panicked) => BodyFailure::Panic(panicked),
        };
        let error = watch.take().map(|watch| watch.report(failed));
        Poll::Ready(error.map(Err))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Envelope { document } => document.is_empty(),
            Kind::Inner { body, watch } => watch.is_none() || body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Envelope { document } => SizeHint::with_exact(document.len() as u64),
            Kind::Inner { body, .. } => body.size_hint(),
        }
    }
}

enum BodyFailure {
    Error(BoxError),
    Panic(Panicked),
}

impl Watch {
    fn report(self, failure: BodyFailure) -> BoxError {
        match failure {
            // A layer further in has done it; bodies in between may have wrapped its error.
            BodyFailure::Error(error) if chain::find::<ReportedBodyError>(&*error).is_some() => {
                error
            }
            BodyFailure::Error(error) => {
                self.log(Cause::source(&*error));
                Box::new(ReportedBodyError { source: error })
            }
            BodyFailure::Panic(panicked) => {
                self.log(Cause::panic(&panicked));
                let source = "the response body panicked".into();
                Box::new(ReportedBodyError { source })
            }
        }
    }

    fn log(&self, cause: Cause<'_>) {
        let cause = Cause {
            started: true,
            ..cause
        };
        let code = ErrorCode::INTERNAL_ERROR;
        self.context.report(code, self.status, cause);
    }
}

/// An empty body, which layers around this one ask for.
impl<B> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::envelope(Bytes::new())
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}
