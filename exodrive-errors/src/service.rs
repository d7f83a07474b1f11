use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use tower_service::Service;

use crate::body::ResponseBody;
use crate::context::RequestContext;
use crate::error::BoxError;
use crate::future::ResponseFuture;
use crate::outcome::Failure;
use crate::panic;
use crate::settings::Settings;

/// The service [`ErrorLayer`](crate::ErrorLayer) makes: it answers every request and never fails.
pub struct ErrorService<S> {
    inner: S,
    settings: Arc<Settings>,
    /// Why the service inside could not become ready. The next call answers with it, for an error of `poll_ready` would
    /// reach the server, which knows no envelope.
    not_ready: Option<Failure>,
}

impl<S> ErrorService<S> {
    pub(crate) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self {
            inner,
            settings,
            not_ready: None,
        }
    }
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for ErrorService<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
    S::Error: Into<BoxError>,
    ResB: Body<Data = Bytes>,
    ResB::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<ResB>>;
    type Error = Infallible;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A failure that no call has answered yet stands: the service inside must not be asked again before that.
        if self.not_ready.is_none() {
            self.not_ready = match panic::catch(|| self.inner.poll_ready(cx)) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(Ok(()))) => None,
                Ok(Poll::Ready(Err(error))) => Some(Failure::Service(error.into())),
                Err(panicked) => Some(Failure::Panic(panicked)),
            };
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<ReqB>) -> Self::Future {
        let context = RequestContext::enter(&mut request, &self.settings);
        if let Some(failure) = self.not_ready.take() {
            return ResponseFuture::failed(failure, context);
        }
        match panic::catch(|| self.inner.call(request)) {
            Ok(future) => ResponseFuture::calling(future, context),
            Err(panicked) => ResponseFuture::failed(Failure::Panic(panicked), context),
        }
    }
}

/// A failure to become ready is the original's alone.
impl<S: Clone> Clone for ErrorService<S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.settings))
    }
}

impl<S: fmt::Debug> fmt::Debug for ErrorService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorService")
            .field("inner", &self.inner)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
