//! What tells one cached answer from another.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
#[cfg(feature = "objects")]
use std::io::Write as _;
use std::sync::{Arc, LazyLock, OnceLock};

use http::HeaderName;
use http::header::HeaderMap;
use http::request::Parts;
use smallvec::SmallVec;

use crate::admission::Admitted;
use crate::credentials::Audience;
use crate::keyed_inputs::keyed_pairs;
use crate::policy::CachePolicy;
use crate::vary::Vary;

/// The keyed inputs of a request, and their digest.
///
/// The inputs are written one after the other, each with its length before it, so that no two
/// requests that differ in a keyed input share a key. Stores outside the process look up by the digest and
/// compare the inputs.
#[derive(Clone)]
pub struct CacheKey {
    /// Most fit in here, so that neither making a key nor comparing it with a stored one goes elsewhere in memory.
    inputs: SmallVec<[u8; 128]>,
    /// Worked out once somebody asks: a hit in memory does without it.
    digest: OnceLock<u128>,
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
        let keyed = Keyed {
            policy_name,
            authority: in_lowercase(admitted.authority),
            audience: &admitted.audience,
            pairs: (!policy.is_transparent()).then(|| keyed_pairs(policy, &request.uri)),
            headers,
            request,
        };
        let mut length = 0;
        keyed.write(|bytes| length += bytes.len());
        let mut inputs = SmallVec::from_elem(0, length);
        let mut rest = &mut inputs[..];
        keyed.write(|bytes| {
            if let Some(room) = rest.split_off_mut(..bytes.len()) {
                room.copy_from_slice(bytes);
            }
        });
        let selecting = policy.is_transparent();
        Self {
            inputs,
            digest: OnceLock::new(),
            selecting: selecting.then(|| Arc::new(request.headers.clone())),
        }
    }

    /// Makes the key of inputs that are encoded already.
    pub(crate) fn of_inputs(inputs: &[u8]) -> Self {
        Self {
            inputs: SmallVec::from_slice(inputs),
            digest: OnceLock::new(),
            selecting: None,
        }
    }

    /// Makes the key of an object of the application.
    #[cfg(feature = "objects")]
    pub(crate) fn of_object(policy: &str, version: u32, id: &(impl fmt::Display + ?Sized)) -> Self {
        let mut inputs = Vec::with_capacity(object_inputs_before_id(policy) + 24);
        let mut out = Inputs(|bytes: &[u8]| inputs.extend_from_slice(bytes));
        out.text(policy);
        // No scheme of a request is that long.
        out.0(&u64::MAX.to_le_bytes());
        out.0(&version.to_le_bytes());
        // The last of the inputs ends where they end.
        let _ = write!(inputs, "{id}");
        Self::of_inputs(&inputs)
    }

    /// Returns the text of the object's own identifier.
    #[cfg(feature = "objects")]
    pub(crate) fn object_id(&self, policy: &str) -> &str {
        let id = self.inputs.get(object_inputs_before_id(policy)..);
        id.and_then(|id| str::from_utf8(id).ok())
            .unwrap_or_default()
    }

    /// Returns the key under which a policy that is tried out keeps what this one would hold.
    ///
    /// Whatever is encoded says itself where it ends, so no other key has these inputs and one byte more.
    pub(crate) fn in_shadow(&self) -> Self {
        let mut key = Self::of_inputs(&self.inputs);
        key.inputs.push(0);
        key.selecting = self.selecting.clone();
        key
    }

    /// Returns the authority of the request, in lower case.
    pub(crate) fn authority(&self) -> &str {
        // The third of the inputs, each of which has its length before it.
        let mut rest = &*self.inputs;
        let mut input = || {
            let (length, tail) = rest.split_first_chunk::<8>()?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            let (input, tail) = tail.split_at_checked(length)?;
            rest = tail;
            Some(input)
        };
        let (_, _, authority) = (input(), input(), input());
        authority
            .and_then(|authority| str::from_utf8(authority).ok())
            .unwrap_or_default()
    }

    /// Returns the first 128 bits of the inputs' BLAKE3 hash.
    #[must_use]
    pub fn digest(&self) -> u128 {
        *self.digest.get_or_init(|| {
            let hash = blake3::hash(&self.inputs);
            let mut first = [0; 16];
            first.copy_from_slice(&hash.as_bytes()[..16]);
            u128::from_le_bytes(first)
        })
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

    /// Returns the key as it would be if its digest were that of `other`.
    #[cfg(feature = "testing")]
    pub(crate) fn colliding_with(mut self, other: &Self) -> Self {
        self.digest = other.digest().into();
        self
    }

    /// Returns the key without what only one request needs.
    pub(crate) fn without_request(&self) -> Self {
        Self {
            inputs: self.inputs.clone(),
            digest: self.digest.clone(),
            selecting: None,
        }
    }
}

/// Whatever else a key knows of its request, it is equal to one with the same inputs.
impl PartialEq for CacheKey {
    fn eq(&self, other: &Self) -> bool {
        self.inputs == other.inputs
    }
}

impl Eq for CacheKey {}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inputs.hash(state);
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({:032x})", self.digest())
    }
}

/// Returns how many bytes of an object's inputs come before its identifier.
#[cfg(feature = "objects")]
fn object_inputs_before_id(policy: &str) -> usize {
    size_of::<u64>() + policy.len() + size_of::<u64>() + size_of::<u32>()
}

/// The keyed inputs before they are encoded.
struct Keyed<'a> {
    policy_name: &'a str,
    authority: Cow<'a, str>,
    /// The pairs of the query that are keyed, or `None` if all of it is as it stands.
    pairs: Option<SmallVec<[&'a str; 4]>>,
    headers: &'a [HeaderName],
    audience: &'a Audience,
    request: &'a Parts,
}

impl Keyed<'_> {
    fn write(&self, out: impl FnMut(&[u8])) {
        let mut out = Inputs(out);
        let uri = &self.request.uri;
        out.text(self.policy_name);
        out.text(uri.scheme_str().unwrap_or_default());
        out.text(&self.authority);
        out.text(uri.path());
        match &self.pairs {
            None => out.text(uri.query().unwrap_or_default()),
            Some(pairs) => {
                out.count(pairs.len());
                for pair in pairs {
                    out.text(pair);
                }
            }
        }
        for name in self.headers {
            let values = self.request.headers.get_all(name);
            out.count(values.iter().count());
            for value in values {
                out.bytes(value.as_bytes().trim_ascii());
            }
        }
        match self.audience {
            Audience::Everybody => out.count(0),
            Audience::Principal(principal) => {
                out.count(1);
                out.text(principal);
            }
        }
    }
}

/// Host names do not depend on case (RFC 9110, section 4.2.3), and hardly any comes in capitals.
fn in_lowercase(authority: &str) -> Cow<'_, str> {
    if authority.bytes().any(|byte| byte.is_ascii_uppercase()) {
        authority.to_ascii_lowercase().into()
    } else {
        authority.into()
    }
}

struct Inputs<W>(W);

impl<W: FnMut(&[u8])> Inputs<W> {
    fn count(&mut self, count: usize) {
        self.0(&(count as u64).to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::admission::admit;
    use crate::credentials::Credentials;
    use crate::samples::request as parts;

    const KEYED: HeaderName = HeaderName::from_static("accept-language");

    fn policy() -> CachePolicy {
        CachePolicy::ttl(Duration::from_secs(1))
            .query(["a", "b"])
            .credentials(Credentials::per_principal(|request| {
                request.extensions.get::<String>().cloned()
            }))
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

    #[cfg(feature = "objects")]
    #[test]
    fn an_object_has_a_key_of_its_own() {
        let key = CacheKey::of_object("cars", 1, "a:7");
        assert_eq!(
            key,
            CacheKey::of_object("cars", 1, &format_args!("a:{}", 7))
        );
        assert_eq!(key.object_id("cars"), "a:7");
        for other in [
            CacheKey::of_object("cars", 2, "a:7"),
            CacheKey::of_object("car", 1, "a:7"),
            CacheKey::of_object("cars", 1, "a:70"),
            CacheKey::of_object("cars", 1, ""),
        ] {
            assert_ne!(key, other);
        }
    }

    #[test]
    fn knows_its_authority() {
        let key = key("/cars?a=1", &[("host", "Cars.Example")]);
        assert_eq!(key.authority(), "cars.example");
        assert_eq!(key.in_shadow().authority(), "cars.example");
        assert_ne!(key.in_shadow(), key);
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
