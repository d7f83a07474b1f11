//! What tells one cached answer from another.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use http::header::{self, HeaderMap};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Uri};

use crate::admission::Admitted;
use crate::credentials::Audience;
use crate::policy::CachePolicy;
use crate::vary::Vary;

/// What the cache answers itself, from a complete answer of the handler.
const ANSWERED_HERE: [HeaderName; 6] = [
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
];

/// The keyed inputs of a request, and their digest.
///
/// The inputs are written one after the other, each with its length before it, so that no two
/// requests that differ in a keyed input share a key. Stores look up by the digest and compare the inputs.
#[derive(Clone)]
pub struct CacheKey {
    inputs: Arc<[u8]>,
    digest: u128,
    /// The request's header, where a `Vary` may name any of its fields.
    selecting: Option<Arc<HeaderMap>>,
}

impl CacheKey {
    pub(crate) fn new(
        policy_name: &str,
        policy: &CachePolicy,
        headers: &[HeaderName],
        request: &Parts,
        admitted: &Admitted<'_>,
    ) -> Self {
        let mut inputs = Inputs::default();
        inputs.text(policy_name);
        inputs.text(request.uri.scheme_str().unwrap_or_default());
        // Host names do not depend on case (RFC 9110, section 4.2.3).
        inputs.text(&admitted.authority.to_ascii_lowercase());
        inputs.text(request.uri.path());
        if policy.is_transparent() {
            inputs.text(request.uri.query().unwrap_or_default());
        } else {
            let pairs = keyed_pairs(policy, &request.uri);
            inputs.count(pairs.len());
            for pair in pairs {
                inputs.text(pair);
            }
        }
        for name in headers {
            let values = request.headers.get_all(name);
            inputs.count(values.iter().count());
            for value in values {
                inputs.bytes(value.as_bytes().trim_ascii());
            }
        }
        match &admitted.audience {
            Audience::Everybody => inputs.count(0),
            Audience::Principal(principal) => {
                inputs.count(1);
                inputs.text(principal);
            }
        }
        let selecting = policy.is_transparent();
        inputs.finish(selecting.then(|| Arc::new(request.headers.clone())))
    }

    /// Returns the first 128 bits of the inputs' BLAKE3 hash.
    #[must_use]
    pub fn digest(&self) -> u128 {
        self.digest
    }

    /// Returns the encoded inputs.
    #[must_use]
    pub fn inputs(&self) -> &[u8] {
        &self.inputs
    }

    /// Returns whether an answer that varies like this is for the request of this key.
    pub(crate) fn selects(&self, vary: &Vary) -> bool {
        match &self.selecting {
            Some(headers) => vary.matches(headers),
            None => true,
        }
    }

    /// Returns the request's header under a transparent policy, and an empty one otherwise.
    pub(crate) fn request_headers(&self) -> &HeaderMap {
        static EMPTY: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
        self.selecting.as_deref().unwrap_or(&EMPTY)
    }

    /// Returns the key without what only one request needs.
    pub(crate) fn without_request(&self) -> Self {
        Self {
            inputs: self.inputs.clone(),
            digest: self.digest,
            selecting: None,
        }
    }
}

/// Whatever else a key knows of its request, it is equal to one with the same inputs.
impl PartialEq for CacheKey {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest && self.inputs == other.inputs
    }
}

impl Eq for CacheKey {}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({:032x})", self.digest)
    }
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
    if request.uri.query().is_some_and(|query| query != keyed) {
        request.uri = with_query(&request.uri, &keyed);
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
fn keyed_pairs<'a>(policy: &CachePolicy, uri: &'a Uri) -> Vec<&'a str> {
    let name = |pair: &&'a str| pair.split('=').next().unwrap_or_default();
    let mut pairs: Vec<&str> = match uri.query() {
        None => Vec::new(),
        Some(_) if policy.query.is_empty() => Vec::new(),
        Some(query) => query
            .split('&')
            .filter(|pair| policy.query.iter().any(|keyed| **keyed == *name(pair)))
            .collect(),
    };
    pairs.sort_by_key(name);
    pairs
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

#[derive(Default)]
struct Inputs(Vec<u8>);

impl Inputs {
    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn finish(self, selecting: Option<Arc<HeaderMap>>) -> CacheKey {
        let hash = blake3::hash(&self.0);
        let mut first = [0; 16];
        first.copy_from_slice(&hash.as_bytes()[..16]);
        CacheKey {
            inputs: self.0.into(),
            digest: u128::from_le_bytes(first),
            selecting,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Request;
    use proptest::prelude::*;

    use super::*;
    use crate::admission::admit;
    use crate::credentials::Credentials;

    const KEYED: HeaderName = HeaderName::from_static("accept-language");

    fn policy() -> CachePolicy {
        CachePolicy::ttl(Duration::from_secs(1))
            .query(["a", "b"])
            .credentials(Credentials::per_principal(|request| {
                request.extensions.get::<String>().cloned()
            }))
    }

    fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn key_of(request: &Parts) -> CacheKey {
        let policy = policy();
        let admitted = admit(&policy, request).unwrap();
        CacheKey::new("cars", &policy, &[KEYED], request, &admitted)
    }

    fn key(uri: &str, headers: &[(&str, &str)]) -> CacheKey {
        key_of(&parts(uri, headers))
    }

    #[test]
    fn unkeyed_inputs_do_not_matter() {
        let plain = key("/cars?a=1&b=2", &[("host", "x")]);
        assert_eq!(plain, key("/cars?b=2&a=1", &[("host", "x")]));
        assert_eq!(plain, key("/cars?a=1&utm=3&b=2", &[("host", "X")]));
        assert_eq!(
            plain,
            key("/cars?a=1&b=2", &[("host", "x"), ("x-forwarded-host", "y")])
        );
    }

    #[test]
    fn keyed_inputs_do() {
        let plain = key("/cars?a=1&b=2", &[("host", "x")]);
        for (uri, headers) in [
            ("/cars?a=2&b=2", &[("host", "x")][..]),
            ("/cars?a=1", &[("host", "x")]),
            ("/cars?a=1&b=2&b=2", &[("host", "x")]),
            ("/Cars?a=1&b=2", &[("host", "x")]),
            ("/cars/?a=1&b=2", &[("host", "x")]),
            ("/cars?a=1&b=2", &[("host", "y")]),
            ("/cars?a=1&b=2", &[("host", "x"), ("accept-language", "de")]),
            ("/cars?a=1&b=2", &[("host", "x"), ("accept-language", "")]),
            ("http://x/cars?a=1&b=2", &[]),
        ] {
            assert_ne!(plain, key(uri, headers), "{uri} {headers:?}");
        }
        let mut alice = parts("/cars?a=1&b=2", &[("host", "x")]);
        alice.extensions.insert("alice".to_owned());
        assert_ne!(plain, key_of(&alice));
    }

    #[test]
    fn the_handler_sees_keyed_inputs_only() {
        let policy = policy();
        let mut request = parts(
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
        keep_keyed_inputs(&policy, &[KEYED], &mut request, &audience);
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

    /// The keyed inputs of a request as a tuple, compared in place of its encoding.
    type Tuple = (String, String, Vec<String>, Vec<String>, Option<String>);

    fn tuple() -> impl Strategy<Value = Tuple> {
        let short = || proptest::collection::vec("[ab=]{0,2}", 0..3);
        (
            "[ab]{0,2}",
            "[ab/]{0,2}",
            short(),
            short(),
            proptest::option::of("[ab]{0,2}"),
        )
    }

    fn key_of_tuple((host, path, pairs, languages, principal): &Tuple) -> CacheKey {
        let query: Vec<_> = pairs.iter().map(|pair| format!("a={pair}")).collect();
        let mut headers = vec![("host", host.as_str())];
        headers.extend(
            languages
                .iter()
                .map(|value| ("accept-language", value.as_str())),
        );
        let mut request = parts(&format!("/{path}?{}", query.join("&")), &headers);
        if let Some(principal) = principal {
            request.extensions.insert(principal.clone());
        }
        key_of(&request)
    }

    proptest! {
        #[test]
        fn different_inputs_never_share_a_key(one in tuple(), two in tuple()) {
            let (first, second) = (key_of_tuple(&one), key_of_tuple(&two));
            prop_assert_eq!(one == two, first == second);
            prop_assert_eq!(one == two, first.inputs() == second.inputs());
        }
    }
}
