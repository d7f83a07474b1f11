use std::error::Error;
use std::time::Duration;

use http::Method;
use http::StatusCode;

use crate::code::ErrorCode;
use crate::panic::Panicked;
use crate::trace_id::TraceId;

/// One failure, as the log and [`OnError`] see it.
#[derive(Debug, Clone, Copy)]
pub struct FailureEvent<'a> {
    pub(crate) code: ErrorCode,
    pub(crate) status: StatusCode,
    pub(crate) trace_id: TraceId,
    pub(crate) method: &'a Method,
    pub(crate) route: Option<&'a str>,
    pub(crate) latency: Duration,
    pub(crate) source: Option<&'a (dyn Error + 'static)>,
    pub(crate) panic: Option<&'a Panicked>,
    pub(crate) started: bool,
}

/// Called once for each failure, for instance to count errors by code and route.
///
/// Sampling of the log does not concern it: every failure arrives here.
/// It is called in the path of the response and must not block.
///
/// ```
/// use exodrive_errors::{ErrorLayer, FailureEvent};
///
/// let layer = ErrorLayer::new().on_error(|failure: &FailureEvent<'_>| {
///     println!("errors_total{{code={:?}, route={:?}}} 1", failure.code().name(), failure.route());
/// });
/// # let _ = layer;
/// ```
pub trait OnError: Send + Sync + 'static {
    /// Takes note of one failure.
    fn on_error(&self, failure: &FailureEvent<'_>);
}

impl<F: Fn(&FailureEvent<'_>) + Send + Sync + 'static> OnError for F {
    fn on_error(&self, failure: &FailureEvent<'_>) {
        self(failure);
    }
}

impl<'a> FailureEvent<'a> {
    /// The code of the failure; for a foreign response that passed untouched, the code of its status.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The status of the response; for a body that failed, the status that had already been sent.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The trace id of the request.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The method of the request.
    #[must_use]
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// The route that matched, as its template, if the layer knows it.
    #[must_use]
    pub fn route(&self) -> Option<&'a str> {
        self.route
    }

    /// The time from the request's arrival at the layer to the failure.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.latency
    }

    /// What caused the failure. Its text may hold secrets: the log redacts it, a hook must do so itself.
    #[must_use]
    pub fn source(&self) -> Option<&'a (dyn Error + 'static)> {
        self.source
    }

    /// Whether code panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        self.panic.is_some()
    }

    /// Whether the failure came after the headers had been sent, so that the client sees a broken body and no envelope.
    #[must_use]
    pub fn response_started(&self) -> bool {
        self.started
    }
}
