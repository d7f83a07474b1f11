//! What a handler sees of a request: what is in its key, and nothing else.

use http::header::{self, HeaderMap};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Uri};
use smallvec::SmallVec;

use crate::credentials::Audience;
use crate::policy::CachePolicy;

/// What the cache answers itself, from a complete answer of the handler.
const ANSWERED_HERE: [HeaderName; 6] = [
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
];

/// Returns whether a request asks for all of an answer, whatever its client has already.
pub(crate) fn is_unconditional(request: &HeaderMap) -> bool {
    !ANSWERED_HERE.iter().any(|name| request.contains_key(name))
}

/// Leaves of a request only what its key holds, so that an answer can depend on nothing else.
///
/// Under a transparent policy, everything stays but what the cache answers itself.
pub(crate) fn keep_keyed_inputs(
    policy: &CachePolicy,
    headers: &[HeaderName],
    request: &mut Parts,
    audience: &Audience,
) {
    if policy.is_transparent() {
        for name in ANSWERED_HERE {
            request.headers.remove(name);
        }
        return;
    }
    let keyed = keyed_pairs(policy, &request.uri).join("&");
    keep_query(&mut request.uri, &keyed);
    #[cfg(feature = "axum")]
    if let Some(original) = request.extensions.get_mut::<axum::extract::OriginalUri>() {
        // The target before a router took its prefix off; its query is the same.
        keep_query(&mut original.0, &keyed);
    }
    let mut kept = HeaderMap::with_capacity(headers.len() + 1);
    let credentials = match audience {
        Audience::Everybody => None,
        Audience::Principal(_) => Some(&header::AUTHORIZATION),
    };
    let names = headers.iter().chain([&header::HOST]).chain(credentials);
    for name in names {
        for value in request.headers.get_all(name) {
            kept.append(name, HeaderValue::clone(value));
        }
    }
    request.headers = kept;
}

/// Returns the raw `name=value` pairs that the policy lists, sorted by name.
///
/// Pairs of one name stay in the order in which they came, since a handler may care.
pub(crate) fn keyed_pairs<'a>(policy: &CachePolicy, uri: &'a Uri) -> SmallVec<[&'a str; 4]> {
    let name = |pair: &&'a str| pair.split('=').next().unwrap_or_default();
    let mut pairs: SmallVec<[&str; 4]> = match uri.query() {
        None => SmallVec::new(),
        Some(_) if policy.query.is_empty() => SmallVec::new(),
        Some(query) => query
            .split('&')
            .filter(|pair| policy.query.iter().any(|keyed| **keyed == *name(pair)))
            .collect(),
    };
    pairs.sort_by_key(name);
    pairs
}

/// Leaves of a target's query only what is keyed.
fn keep_query(uri: &mut Uri, keyed: &str) {
    if uri.query().is_some_and(|query| query != keyed) {
        *uri = with_query(uri, keyed);
    }
}

fn with_query(uri: &Uri, query: &str) -> Uri {
    let path_and_query = if query.is_empty() {
        uri.path().parse()
    } else {
        format!("{}?{query}", uri.path()).parse()
    };
    let mut parts = uri.clone().into_parts();
    // A path and some of the pairs of a valid URI make a valid URI; should that ever fail, a
    // request without any query is still safe to share an answer for.
    parts.path_and_query = path_and_query.ok();
    Uri::from_parts(parts).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::samples::request;

    #[test]
    fn the_handler_sees_keyed_inputs_only() {
        let keyed = HeaderName::from_static("accept-language");
        let policy = CachePolicy::ttl(Duration::ZERO).query(["a", "b"]);
        let mut request = request(
            "http://x/cars?c=9&b=2&a=1",
            &[
                ("host", "x"),
                ("accept-language", "de"),
                ("authorization", "secret"),
                ("cookie", "secret"),
                ("x-forwarded-host", "evil"),
                ("if-none-match", "\"1\""),
                ("range", "bytes=0-1"),
            ],
        );
        let audience = Audience::Everybody;
        keep_keyed_inputs(&policy, &[keyed], &mut request, &audience);
        assert_eq!(request.uri, "http://x/cars?a=1&b=2");
        let mut names: Vec<_> = request.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept-language", "host"]);

        keep_keyed_inputs(
            &CachePolicy::ttl(Duration::ZERO),
            &[],
            &mut request,
            &audience,
        );
        assert_eq!(request.uri, "http://x/cars");
    }
}
