use std::borrow::Cow;

use serde::Deserialize;
use serde::Serialize;

/// One value of a request that is not valid, as listed in `details.errors`.
///
/// ```
/// use exodrive_errors::FieldViolation;
///
/// let violation = FieldViolation::body("/items/0/name", "REQUIRED", "Please enter a name");
/// let json = serde_json::to_value(&violation).unwrap();
/// assert_eq!(
///     json,
///     serde_json::json!({
///         "pointer": "/items/0/name",
///         "in": "body",
///         "code": "REQUIRED",
///         "message": "Please enter a name",
///     })
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldViolation {
    pointer: Cow<'static, str>,
    #[serde(rename = "in")]
    location: FieldLocation,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
}

/// The part of a request a [`FieldViolation`] points into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FieldLocation {
    /// The request body.
    Body,
    /// The query string.
    Query,
    /// A parameter of the path.
    Path,
    /// A request header.
    Header,
}

impl FieldViolation {
    /// A value in the request body, named by an RFC 6901 JSON pointer such as `/items/0/name`; `""` is the whole body.
    pub fn body(
        pointer: impl Into<Cow<'static, str>>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(FieldLocation::Body, pointer, code, message)
    }

    /// A parameter of the query string, as a JSON pointer: `/page`.
    pub fn query(
        pointer: impl Into<Cow<'static, str>>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(FieldLocation::Query, pointer, code, message)
    }

    /// A parameter of the path, as a JSON pointer: `/id`.
    pub fn path(
        pointer: impl Into<Cow<'static, str>>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(FieldLocation::Path, pointer, code, message)
    }

    /// A request header, as a JSON pointer: `/if-match`.
    pub fn header(
        pointer: impl Into<Cow<'static, str>>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(FieldLocation::Header, pointer, code, message)
    }

    fn new(
        location: FieldLocation,
        pointer: impl Into<Cow<'static, str>>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            pointer: rooted(pointer.into()),
            location,
            code: code.into(),
            message: message.into(),
        }
    }

    /// The JSON pointer of the value.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The part of the request the pointer starts in.
    #[must_use]
    pub fn location(&self) -> FieldLocation {
        self.location
    }

    /// What is wrong, for programs, for instance `REQUIRED`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What is wrong, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// A pointer is empty or starts with `/` (RFC 6901, section 3); a bare name is taken as the member of that name.
fn rooted(pointer: Cow<'static, str>) -> Cow<'static, str> {
    if pointer.is_empty() || pointer.starts_with('/') {
        pointer
    } else {
        let mut rooted = String::with_capacity(pointer.len() + 1);
        push_segment(&mut rooted, &pointer);
        Cow::Owned(rooted)
    }
}

/// Appends one reference token to a JSON pointer, escaping `~` and `/` (RFC 6901, section 3).
pub(crate) fn push_segment(pointer: &mut String, segment: &str) {
    pointer.push('/');
    for character in segment.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_bare_name_as_the_member_of_that_name() {
        let violation = FieldViolation::query("a/b~c", "INVALID", "");
        assert_eq!(violation.pointer(), "/a~1b~0c");
    }

    #[test]
    fn keeps_a_pointer_as_it_is() {
        for pointer in ["", "/a~1b", "/items/0"] {
            assert_eq!(FieldViolation::body(pointer, "C", "m").pointer(), pointer);
        }
    }

    #[test]
    fn reads_what_it_writes() {
        for violation in [
            FieldViolation::body("/a", "REQUIRED", "x"),
            FieldViolation::query("/a", "REQUIRED", "x"),
            FieldViolation::path("/a", "REQUIRED", "x"),
            FieldViolation::header("/a", "REQUIRED", "x"),
        ] {
            let text = serde_json::to_string(&violation).unwrap();
            let read: FieldViolation = serde_json::from_str(&text).unwrap();
            assert_eq!(read, violation);
        }
    }
}
