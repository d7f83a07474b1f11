//! Fields that a message has once or not at all.

use http::HeaderValue;
use http::header::{HeaderMap, HeaderName};

/// Returns the field's line, if it has exactly one: of several nobody can tell which one is meant.
pub(crate) fn sole<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?;
    lines.next().is_none().then_some(line)
}
