//! What several modules' tests are made of.

use http::{HeaderMap, HeaderName};

/// Makes a header map of lines, in order.
pub(crate) fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
        .collect()
}
