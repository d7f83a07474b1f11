//! What several modules' tests are made of.

use http::request::Parts;
use http::{HeaderMap, HeaderName, Request};

/// Makes a header map of lines, in order.
pub(crate) fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
        .collect()
}

/// Makes the head of a GET.
pub(crate) fn request(uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::get(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}
