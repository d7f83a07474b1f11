//! What an [`ErrorLayer`](crate::ErrorLayer) was told, shared by every service it makes.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::Extensions;
use http::HeaderMap;

use crate::error::ApiError;
use crate::log::LogLevel;
use crate::log::OnError;
use crate::log::Redact;
use crate::log::Sampler;
use crate::trace_id::TraceId;

/// Decides the trace id of a request before its headers are looked at.
///
/// For instance to take the id of a tracing span that is already open, or to trust no caller:
///
/// ```
/// use exodrive_errors::{ErrorLayer, TraceId};
/// use http::{Extensions, HeaderMap};
///
/// let layer = ErrorLayer::new()
///     .make_trace_id(|_: &HeaderMap, _: &Extensions| Some(TraceId::random()));
/// # let _ = layer;
/// ```
pub trait MakeTraceId: Send + Sync + 'static {
    /// The trace id of a request with these headers and extensions; `None`, or a panic, leaves the
    /// decision to the layer.
    fn make_trace_id(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<TraceId>;
}

impl<F> MakeTraceId for F
where
    F: Fn(&HeaderMap, &Extensions) -> Option<TraceId> + Send + Sync + 'static,
{
    fn make_trace_id(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<TraceId> {
        self(headers, extensions)
    }
}

/// Finds a registered type in the extensions of a response and turns it into an error.
pub(crate) type Recognize = Arc<dyn Fn(&Extensions) -> Option<ApiError> + Send + Sync>;

/// Turns a service error of a registered type into an error of the API.
pub(crate) type MapError = Arc<dyn Fn(&(dyn Error + 'static)) -> Option<ApiError> + Send + Sync>;

/// Finds the matched route in the extensions of a request.
pub(crate) type FindRoute = Arc<dyn Fn(&Extensions) -> Option<Arc<str>> + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) recognize: Vec<Recognize>,
    pub(crate) map_errors: Vec<MapError>,
    pub(crate) docs_url: Option<Cow<'static, str>>,
    pub(crate) support: Option<Cow<'static, str>>,
    pub(crate) make_trace_id: Option<Arc<dyn MakeTraceId>>,
    pub(crate) find_route: Option<FindRoute>,
    pub(crate) on_error: Option<Arc<dyn OnError>>,
    pub(crate) redact: Option<Arc<dyn Redact>>,
    pub(crate) client_error_level: LogLevel,
    pub(crate) refusals: Arc<Sampler>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            recognize: Vec::new(),
            map_errors: Vec::new(),
            docs_url: None,
            support: None,
            make_trace_id: None,
            find_route: None,
            on_error: None,
            redact: None,
            client_error_level: LogLevel::Info,
            refusals: Arc::default(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("docs_url", &self.docs_url)
            .field("support", &self.support)
            .field("client_error_level", &self.client_error_level)
            .finish_non_exhaustive()
    }
}
