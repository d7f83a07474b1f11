use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use crate::code::ErrorCode;
use crate::details::Details;
use crate::details::LeftOut;
use crate::render;
use crate::render::Carried;
use crate::render::Presentation;
use crate::time;
use crate::trace_id::TraceId;
use crate::violation::FieldViolation;

/// Any error, boxed.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The key of the log context that says why details are not complete.
const DETAILS_ERROR: &str = "details_error";

/// A failure as a handler returns it: a code, what the client may know, and what only the log may know.
///
/// The client sees the code, message, details, violations, help and headers.
/// The log sees the code, the source and the log context.
/// Nothing moves from the second list to the first, whatever the source prints.
///
/// ```
/// use std::time::Duration;
/// use exodrive_errors::{ApiError, ErrorCode};
///
/// let error = ApiError::new(ErrorCode::DATABASE_ERROR)
///     .source(std::io::Error::other("could not connect to db.internal:5432"))
///     .retry_after(Duration::from_secs(5));
/// let response: http::Response<Vec<u8>> = error.into();
/// assert_eq!(response.status(), 500);
/// assert_eq!(response.headers()["x-error-code"], "DATABASE_ERROR");
/// assert_eq!(response.headers()["retry-after"], "5");
/// assert!(!String::from_utf8_lossy(response.body()).contains("db.internal"));
/// ```
#[must_use]
pub struct ApiError(Box<Inner>);

struct Inner {
    code: ErrorCode,
    message: Option<Cow<'static, str>>,
    details: Details,
    headers: HeaderMap,
    source: Option<BoxError>,
    log_context: Vec<(&'static str, String)>,
}

impl ApiError {
    /// A failure of this code, with the code's message, status and next steps.
    pub fn new(code: ErrorCode) -> Self {
        Self(Box::new(Inner {
            code,
            message: None,
            details: Details::default(),
            headers: HeaderMap::new(),
            source: None,
            log_context: Vec::new(),
        }))
    }

    /// Sets the message the client reads. Defaults to the code's.
    pub fn message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = Some(message.into());
        self
    }

    /// Adds members to `details`.
    ///
    /// An object adds its members, `null` adds nothing, and anything else becomes the member `value`.
    /// `retryAfter`, `errors` and `help` are reserved: what [`retry_after`](Self::retry_after), [`violation`](Self::violation)
    /// and [`help`](Self::help) say outweighs members of these names.
    ///
    /// Members, violations and steps together are at most 8 KiB of JSON; what does not fit is left out.
    /// So is a value that cannot be JSON, such as a map whose keys are lists. Both are noted in the log context.
    pub fn details(mut self, details: impl Serialize) -> Self {
        let members = match serde_json::to_value(details) {
            Ok(Value::Object(members)) => members,
            Ok(Value::Null) => return self,
            Ok(value) => Map::from_iter([("value".to_owned(), value)]),
            Err(error) => return self.log_context(DETAILS_ERROR, error),
        };
        let added = self.0.details.add_members(members);
        self.noting(added)
    }

    /// Adds one value that is not valid to `details.errors`.
    pub fn violation(mut self, violation: FieldViolation) -> Self {
        let added = self.0.details.add_violation(violation);
        self.noting(added)
    }

    /// Adds several values that are not valid to `details.errors`.
    pub fn violations(self, violations: impl IntoIterator<Item = FieldViolation>) -> Self {
        violations.into_iter().fold(self, Self::violation)
    }

    /// Adds one next step to `details.help.steps`. Steps given here replace those of the code.
    pub fn help(mut self, step: impl Into<Cow<'static, str>>) -> Self {
        let added = self.0.details.add_step(step.into());
        self.noting(added)
    }

    /// Adds a header to the response, beside others of its name.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.append(name, value);
        self
    }

    /// Says how long to wait before trying again, in `Retry-After` and `details.retryAfter`.
    ///
    /// Sent as whole seconds, rounded up, at least one.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        let value = time::retry_after_value(wait);
        self.0.headers.insert(http::header::RETRY_AFTER, value);
        self
    }

    /// Sets what caused the failure. It is logged, with its own sources, and never shown to a client.
    pub fn source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds a `key=value` for the log. It is never shown to a client.
    pub fn log_context(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.0.log_context.push((key, value.to_string()));
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The status the code is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.code.status()
    }

    /// The message the client reads.
    #[must_use]
    pub fn client_message(&self) -> &str {
        match &self.0.message {
            Some(message) => message,
            None => self.0.code.default_message(),
        }
    }

    pub(crate) fn own_details(&self) -> &Details {
        &self.0.details
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    pub(crate) fn cause(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }

    pub(crate) fn logged(&self) -> &[(&'static str, String)] {
        &self.0.log_context
    }

    /// Says in the log, once, that something was left out of the details.
    fn noting(self, added: Result<(), LeftOut>) -> Self {
        let mut noted = self.0.log_context.iter();
        match added {
            Err(left_out) if noted.all(|(key, _)| *key != DETAILS_ERROR) => {
                self.log_context(DETAILS_ERROR, left_out)
            }
            _ => self,
        }
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

/// A whole envelope. Where no layer is there to render it again it has a trace id of its own, and is not logged.
impl<B: From<Bytes>> From<ApiError> for Response<B> {
    fn from(error: ApiError) -> Self {
        let (mut parts, ()) = Response::new(()).into_parts();
        parts.status = error.status();
        let presentation = Presentation::plain(TraceId::random());
        render::apply_headers(&error, &mut parts);
        let document = render::render(&error, &mut parts, &presentation, SystemTime::now());
        parts.extensions.insert(Carried(Arc::new(error)));
        Self::from_parts(parts, document.into())
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.client_message())
    }
}

/// Prints what a client may see of it and no more: sources and log context may hold secrets.
impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("code", &self.0.code)
            .field("message", &self.client_message())
            .field("violations", &self.0.details.violations())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_pointer_wide() {
        assert_eq!(size_of::<ApiError>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), ApiError>>(), size_of::<usize>());
    }
}
