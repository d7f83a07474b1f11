use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use http::Extensions;
use tower_layer::Layer;

use crate::error::ApiError;
use crate::log::LogLevel;
use crate::log::OnError;
use crate::log::Redact;
use crate::panic;
use crate::service::ErrorService;
use crate::settings::MakeTraceId;
use crate::settings::Settings;

/// Makes every failure of the service inside it one documented envelope.
///
/// See the [crate documentation](crate) for what it does and where it goes in a stack.
/// It works as it is; every method below adds something.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ErrorLayer {
    settings: Arc<Settings>,
}

impl ErrorLayer {
    /// A layer that knows the standard codes, logs, and shows neither documentation nor support addresses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Renders responses of 4xx and 5xx that carry a `T` in their extensions.
    ///
    /// This is how another middleware passes on what it knows: it refuses with a status and a typed value, and the
    /// application says here what that means to a client. The first registered type that is there decides, its status included.
    ///
    /// ```
    /// use exodrive_errors::{ApiError, ErrorCode, ErrorLayer};
    ///
    /// #[derive(Clone)]
    /// struct RateLimited { limit: u64 }
    ///
    /// let layer = ErrorLayer::new().recognize(|refusal: &RateLimited| {
    ///     ApiError::new(ErrorCode::RATE_LIMITED).details(serde_json::json!({ "limit": refusal.limit }))
    /// });
    /// # let _ = layer;
    /// ```
    pub fn recognize<T>(self, to_error: impl Fn(&T) -> ApiError + Send + Sync + 'static) -> Self
    where
        T: Send + Sync + 'static,
    {
        self.with(|settings| {
            let find = move |extensions: &Extensions| extensions.get::<T>().map(&to_error);
            settings.recognize.push(Arc::new(find));
        })
    }

    /// Renders errors of the service inside that are an `E` or have one among their sources.
    ///
    /// Mappings are tried in the order they are added, each along the whole chain.
    /// An error that no mapping takes is answered with [`INTERNAL_ERROR`](crate::ErrorCode::INTERNAL_ERROR),
    /// unless there is an [`ApiError`] in the chain, which is rendered as it is.
    ///
    /// ```
    /// use exodrive_errors::{ApiError, ErrorCode, ErrorLayer};
    ///
    /// let layer = ErrorLayer::new().map_service_error(|_: &std::io::Error| {
    ///     ApiError::new(ErrorCode::EXTERNAL_SERVICE_ERROR)
    /// });
    /// # let _ = layer;
    /// ```
    pub fn map_service_error<E>(
        self,
        to_error: impl Fn(&E) -> ApiError + Send + Sync + 'static,
    ) -> Self
    where
        E: Error + 'static,
    {
        self.with(|settings| {
            let map = move |error: &(dyn Error + 'static)| error.downcast_ref::<E>().map(&to_error);
            settings.map_errors.push(Arc::new(map));
        })
    }

    /// Says where each code is documented: its name is appended to `base` as it is. Defaults to nothing.
    ///
    /// Shown as `details.help.docsUrl` and as the `type` of a problem.
    pub fn docs_url(self, base: impl Into<Cow<'static, str>>) -> Self {
        self.with(|settings| settings.docs_url = Some(base.into()))
    }

    /// Says how to reach support, shown as `details.help.support` of every 5xx. Defaults to nothing.
    pub fn support(self, contact: impl Into<Cow<'static, str>>) -> Self {
        self.with(|settings| settings.support = Some(contact.into()))
    }

    /// Decides trace ids before the headers are looked at.
    ///
    /// Defaults to the id in the request's extensions, then `traceparent`, then `x-trace-id`, then a random one.
    pub fn make_trace_id(self, make: impl MakeTraceId) -> Self {
        self.with(|settings| settings.make_trace_id = Some(Arc::new(make)))
    }

    /// Finds the template of the matched route in the extensions of a request, for log and metrics.
    ///
    /// Defaults to axum's `MatchedPath` with the feature `axum`, otherwise to none.
    /// Paths are never logged: they hold what people typed. If `find` panics, none is known.
    pub fn matched_route(
        self,
        find: impl Fn(&Extensions) -> Option<Arc<str>> + Send + Sync + 'static,
    ) -> Self {
        self.with(|settings| settings.find_route = Some(Arc::new(find)))
    }

    /// Sets what is called once for each failure. Defaults to nothing; the log is written in any case.
    pub fn on_error(self, on_error: impl OnError) -> Self {
        self.with(|settings| settings.on_error = Some(Arc::new(on_error)))
    }

    /// Removes more from the text of errors before it is logged. Defaults to what is described at [`Redact`].
    pub fn redact(self, redact: impl Redact) -> Self {
        self.with(|settings| settings.redact = Some(Arc::new(redact)))
    }

    /// Sets the level 4xx are logged at. Defaults to [`LogLevel::Info`].
    pub fn client_error_level(self, level: LogLevel) -> Self {
        self.with(|settings| settings.client_error_level = level)
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl<S> Layer<S> for ErrorLayer {
    type Service = ErrorService<S>;

    /// Wraps `inner`; from the first time on, the process remembers where panics come from.
    fn layer(&self, inner: S) -> Self::Service {
        panic::remember_locations();
        ErrorService::new(inner, Arc::clone(&self.settings))
    }
}
