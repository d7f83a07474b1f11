use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;
use std::time::SystemTime;

use http::StatusCode;
use http::response;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de;
use serde_json::Map;
use serde_json::Value;

use crate::code::ErrorCode;
use crate::document::Document;
use crate::document::Object;
use crate::time;
use crate::trace_id::TraceId;
use crate::violation::FieldViolation;

/// The JSON document of a failure, for the service that writes it and the client that reads it.
///
/// ```text
/// {"error": {"code", "message", "details"?, "timestamp", "traceId"}, "status"}
/// ```
///
/// Reading is tolerant: any JSON object is taken, members it does not know are ignored, codes it does not know are kept,
/// and a member that is missing or of the wrong type is treated as absent.
///
/// ```
/// use std::time::Duration;
/// use exodrive_errors::ErrorEnvelope;
///
/// let body = r#"{"error": {"code": "OUT_OF_CARS", "message": "No car left", "details": {"retryAfter": 37}}, "status": 503}"#;
/// let envelope: ErrorEnvelope = serde_json::from_str(body).unwrap();
/// assert_eq!(envelope.code(), "OUT_OF_CARS");
/// assert_eq!(envelope.retry_after(), Some(Duration::from_secs(37)));
/// assert!(envelope.is_retryable());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorEnvelope {
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    details: Option<Value>,
    timestamp: Option<SystemTime>,
    trace_id: Option<TraceId>,
    status: StatusCode,
}

impl ErrorEnvelope {
    /// Reads the envelope of a failed response.
    ///
    /// Any response gives one: where the body is no envelope, the code and message follow from the status, and the `detail`
    /// of an RFC 9457 problem becomes the message.
    /// The status is always that of the response; a `Retry-After` header fills in for an absent `details.retryAfter`,
    /// an `x-trace-id` header for an absent `traceId`.
    #[must_use]
    pub fn from_response_parts(parts: &response::Parts, body: &[u8]) -> Self {
        let document = serde_json::from_slice(body).unwrap_or_default();
        let mut envelope = Self::from_document(document, Some(parts.status));
        envelope.trace_id = envelope
            .trace_id
            .or_else(|| TraceId::from_headers(&parts.headers));
        if envelope.retry_after().is_none()
            && let Some(seconds) = time::retry_after(&parts.headers, SystemTime::now())
            && let Value::Object(details) = envelope
                .details
                .get_or_insert_with(|| Value::Object(Map::new()))
        {
            details.insert("retryAfter".into(), seconds.into());
        }
        envelope
    }

    /// The code's name; not necessarily one this program knows.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What happened, in plain language.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Everything else there is to say, if anything; a JSON object unless another program wrote it.
    #[must_use]
    pub fn details(&self) -> Option<&Value> {
        self.details.as_ref()
    }

    /// When the failure was reported, to the millisecond.
    #[must_use]
    pub fn timestamp(&self) -> Option<SystemTime> {
        self.timestamp
    }

    /// The name of the failed request; always there in an envelope this crate wrote.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        self.trace_id
    }

    /// The HTTP status; 500 if the document does not say.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// How long to wait before trying again, from `details.retryAfter`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.detail("retryAfter")?.as_u64()?;
        Some(Duration::from_secs(seconds))
    }

    /// The values that are not valid, from `details.errors`; entries of another shape are left out.
    #[must_use]
    pub fn violations(&self) -> Vec<FieldViolation> {
        let entries = self.detail("errors").and_then(Value::as_array);
        entries
            .into_iter()
            .flatten()
            .filter_map(|entry| FieldViolation::deserialize(entry).ok())
            .collect()
    }

    /// Whether the same request may succeed later without a change.
    ///
    /// True if the service said how long to wait, if a standard code is retryable, and for 408, 425, 429, 502, 503 and 504.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.retry_after().is_some()
            || ErrorCode::STANDARD
                .iter()
                .any(|code| code.name() == self.code && code.is_retryable())
            || matches!(self.status.as_u16(), 408 | 425 | 429 | 502..=504)
    }

    fn detail(&self, name: &str) -> Option<&Value> {
        self.details.as_ref()?.get(name)
    }

    /// Reads a document; `status`, if given, outweighs what the document says.
    fn from_document(mut document: Value, status: Option<StatusCode>) -> Self {
        let status = status.or_else(|| {
            let number = document.get("status")?.as_u64()?;
            StatusCode::from_u16(u16::try_from(number).ok()?).ok()
        });
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let fallback = ErrorCode::for_status(status);
        let detail = text(&mut document, "detail");
        let mut error = document
            .get_mut("error")
            .map(Value::take)
            .unwrap_or_default();
        Self {
            code: text(&mut error, "code").map_or(fallback.name().into(), Cow::Owned),
            message: text(&mut error, "message")
                .or(detail)
                .map_or(fallback.default_message().into(), Cow::Owned),
            details: error
                .get_mut("details")
                .map(Value::take)
                .filter(|details| !details.is_null()),
            timestamp: text(&mut error, "timestamp").and_then(|text| time::from_iso(&text)),
            trace_id: text(&mut error, "traceId").and_then(|text| text.parse().ok()),
            status,
        }
    }
}

/// One line for a log: status, code, message, and the trace id to ask the other service about.
impl fmt::Display for ErrorEnvelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {}",
            self.status.as_u16(),
            self.code,
            self.message
        )?;
        match self.trace_id {
            Some(id) => write!(f, " (trace id {id})"),
            None => Ok(()),
        }
    }
}

/// What another service answered is a cause like any other: `ApiError::new(code).source(envelope)`.
impl Error for ErrorEnvelope {}

impl Serialize for ErrorEnvelope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let error = Object {
            code: &self.code,
            message: &self.message,
            details: self.details.as_ref(),
            timestamp: self.timestamp,
            trace_id: self.trace_id,
        };
        Document::new(error, self.status, None).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ErrorEnvelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Value::deserialize(deserializer)?;
        if document.is_object() {
            Ok(Self::from_document(document, None))
        } else {
            Err(de::Error::custom("an error envelope is a JSON object"))
        }
    }
}

/// Takes a member out of an object if it is a string that is not empty.
fn text(object: &mut Value, name: &str) -> Option<String> {
    match object.get_mut(name).map(Value::take) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}
