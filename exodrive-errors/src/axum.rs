//! axum: an [`ApiError`] is a response, and the rejections of extractors are errors of the API.
//!
//! A rejection's own text repeats what the client typed, so it is neither sent nor logged: violations name the place and
//! what was expected there.

use std::borrow::Cow;
use std::error::Error;

use axum::body::Body;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::BytesRejection;
use axum::extract::rejection::ExtensionRejection;
use axum::extract::rejection::FormRejection;
use axum::extract::rejection::JsonRejection;
use axum::extract::rejection::PathRejection;
use axum::extract::rejection::QueryRejection;
use axum::extract::rejection::StringRejection;
use axum::response::IntoResponse;
use axum::response::Response;
use http::StatusCode;
use serde_path_to_error::Segment;

use crate::chain;
use crate::code::ErrorCode;
use crate::error::ApiError;
use crate::error::BoxError;
use crate::violation::FieldLocation;
use crate::violation::FieldViolation;
use crate::violation::push_segment;

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        Response::<Body>::from(self)
    }
}

/// Data of the wrong shape is a [`VALIDATION_ERROR`](ErrorCode::VALIDATION_ERROR) that points at the place.
impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        match &rejection {
            JsonRejection::JsonDataError(error) => {
                let violation = find_violation::<serde_json::Error>(FieldLocation::Body, error);
                Self::new(ErrorCode::VALIDATION_ERROR).violations(violation)
            }
            JsonRejection::JsonSyntaxError(error) => {
                // axum wraps the error of serde_json in one that knows the path.
                let place = chain::find::<serde_path_to_error::Error<serde_json::Error>>(error)
                    .map(|error| error.inner())
                    .map(|error| format!(" (line {}, column {})", error.line(), error.column()))
                    .unwrap_or_default();
                Self::new(ErrorCode::INVALID_REQUEST)
                    .message(format!("The request body is not valid JSON{place}"))
            }
            JsonRejection::MissingJsonContentType(_) => {
                Self::new(ErrorCode::UNSUPPORTED_MEDIA_TYPE)
                    .message("Please send JSON with the header Content-Type: application/json")
            }
            _ => of_status(rejection.status(), rejection),
        }
    }
}

/// A query that does not fit is an [`INVALID_REQUEST`](ErrorCode::INVALID_REQUEST) that points at the parameter.
impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        let violation = find_violation::<serde::de::value::Error>(FieldLocation::Query, &rejection);
        of_status(rejection.status(), rejection).violations(violation)
    }
}

/// A form that does not fit points at the field, like a query or a JSON body.
impl From<FormRejection> for ApiError {
    fn from(rejection: FormRejection) -> Self {
        let location = match rejection {
            FormRejection::FailedToDeserializeForm(_) => FieldLocation::Query,
            _ => FieldLocation::Body,
        };
        let violation = find_violation::<serde::de::value::Error>(location, &rejection);
        of_status(rejection.status(), rejection).violations(violation)
    }
}

/// A parameter that does not parse is an [`INVALID_REQUEST`](ErrorCode::INVALID_REQUEST) that points at it;
/// a route whose parameters do not match its handler is an [`INTERNAL_ERROR`](ErrorCode::INTERNAL_ERROR).
impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        let violation = match &rejection {
            PathRejection::FailedToDeserializePathParams(failed) => path_violation(failed.kind()),
            _ => None,
        };
        of_status(rejection.status(), rejection).violations(violation)
    }
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        of_status(rejection.status(), rejection)
    }
}

impl From<StringRejection> for ApiError {
    fn from(rejection: StringRejection) -> Self {
        of_status(rejection.status(), rejection)
    }
}

/// A missing extension is a mistake of the service: the client sees [`INTERNAL_ERROR`](ErrorCode::INTERNAL_ERROR), the log why.
impl From<ExtensionRejection> for ApiError {
    fn from(rejection: ExtensionRejection) -> Self {
        of_status(rejection.status(), rejection)
    }
}

/// The code of the rejection's status. Only a mistake of the service has a cause to log.
fn of_status(status: StatusCode, rejection: impl Into<BoxError>) -> ApiError {
    let error = ApiError::new(ErrorCode::for_status(status));
    if status.is_server_error() {
        error.source(rejection)
    } else {
        error
    }
}

fn path_violation(kind: &ErrorKind) -> Option<FieldViolation> {
    let (key, expected) = match kind {
        ErrorKind::ParseErrorAtKey {
            key, expected_type, ..
        } => (key.clone(), Some(*expected_type)),
        ErrorKind::ParseErrorAtIndex {
            index,
            expected_type,
            ..
        } => (index.to_string(), Some(*expected_type)),
        ErrorKind::ParseError { expected_type, .. } => (String::new(), Some(*expected_type)),
        ErrorKind::InvalidUtf8InPathParam { key } | ErrorKind::DeserializeError { key, .. } => {
            (key.clone(), None)
        }
        _ => return None,
    };
    let message = match expected {
        Some(expected) => Cow::from(format!("This value is not valid, expected {expected}")),
        None => Cow::from(INVALID.message),
    };
    Some(FieldViolation::path(key, INVALID.code, message))
}

/// The violation behind a rejection whose cause is a `serde_path_to_error` around an `E`.
fn find_violation<E: Error + 'static>(
    location: FieldLocation,
    rejection: &(dyn Error + 'static),
) -> Option<FieldViolation> {
    let error = chain::find::<serde_path_to_error::Error<E>>(rejection)?;
    let mut pointer = String::new();
    for segment in error.path() {
        match segment {
            Segment::Seq { index } => push_segment(&mut pointer, &index.to_string()),
            Segment::Map { key } => push_segment(&mut pointer, key),
            // A variant that holds something is the name of the one member of an object.
            Segment::Enum { variant } => push_segment(&mut pointer, variant),
            // serde had set the value aside, as it does for tagged enums: the pointer stays at what is known.
            Segment::Unknown => {}
        }
    }
    let text = error.inner().to_string();
    let mistake = Mistake::of(&text);
    if let Some(field) = mistake.field {
        push_segment(&mut pointer, field);
    }
    let message = match mistake.expected {
        Some(expected) => format!("{}, expected {expected}", mistake.message).into(),
        None => Cow::Borrowed(mistake.message),
    };
    let of = match location {
        FieldLocation::Query => FieldViolation::query,
        _ => FieldViolation::body,
    };
    Some(of(pointer, mistake.code, message))
}

/// What serde found wrong, without the value it found.
#[derive(Debug, PartialEq, Eq)]
struct Mistake<'a> {
    code: &'static str,
    message: &'static str,
    /// The field it is about, where serde notices in its parent.
    field: Option<&'a str>,
    expected: Option<&'a str>,
}

const INVALID: Mistake<'static> = Mistake {
    code: "INVALID_VALUE",
    message: "This value is not valid",
    field: None,
    expected: None,
};

impl<'a> Mistake<'a> {
    /// Reads the texts of serde's own errors. Those of hand-written `Deserialize` could hold anything and are not repeated.
    fn of(text: &'a str) -> Self {
        let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
        let quoted = |prefix| {
            text.strip_prefix(prefix)
                .and_then(|rest| rest.split('`').next())
        };
        if let Some(field) = quoted("missing field `") {
            return Self {
                code: "REQUIRED",
                message: "This value is required",
                field: Some(field),
                ..INVALID
            };
        }
        if text.starts_with("unknown field `") {
            return Self {
                code: "UNKNOWN_FIELD",
                message: "This field is not known here",
                ..INVALID
            };
        }
        if let Some(field) = quoted("duplicate field `") {
            return Self {
                code: "DUPLICATE_FIELD",
                message: "This field is there more than once",
                field: Some(field),
                ..INVALID
            };
        }
        let of_serde = [
            "invalid type: ",
            "invalid value: ",
            "invalid length ",
            "unknown variant ",
        ];
        if of_serde.iter().any(|prefix| text.starts_with(prefix)) {
            let code = match text.starts_with("invalid type: ") {
                true => "INVALID_TYPE",
                false => INVALID.code,
            };
            // The value may hold these words too, so the last ones count.
            let expected = text
                .rsplit_once(", expected ")
                .map(|(_, expected)| expected);
            return Self {
                code,
                expected,
                ..INVALID
            };
        }
        INVALID
    }
}
