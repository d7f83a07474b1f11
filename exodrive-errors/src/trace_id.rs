use std::fmt;
use std::hash::BuildHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::hash::RandomState;
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;

/// The header a trace id arrives and leaves in.
pub(crate) const X_TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// W3C Trace Context, section 3.2.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

const MIN_LENGTH: usize = 8;
const MAX_LENGTH: usize = 64;

/// The name of one request in logs, responses and support conversations.
///
/// It is 8 to 64 characters of `[A-Za-z0-9._-]`, so it can be put into a header, a log line or a shell command as it is.
/// The layer inserts it into the extensions of every request.
///
/// ```
/// use exodrive_errors::TraceId;
///
/// let id: TraceId = "4bf92f3577b34da6a3ce929d0e0e4736".parse().unwrap();
/// assert_eq!(id.as_str(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert!("two words".parse::<TraceId>().is_err());
/// ```
#[derive(Clone, Copy)]
pub struct TraceId {
    bytes: [u8; MAX_LENGTH],
    length: u8,
}

/// The text is not 8 to 64 characters of `[A-Za-z0-9._-]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a trace id is {MIN_LENGTH} to {MAX_LENGTH} characters of [A-Za-z0-9._-]")]
pub struct InvalidTraceId(());

impl TraceId {
    /// A new id of 128 random bits, in lower-case hexadecimal.
    #[must_use]
    pub fn random() -> Self {
        // The keys of a `RandomState` come from the operating system, and SipHash under a secret key is a pseudorandom
        // function: hashing a counter with two of them gives 128 bits that neither repeat nor foretell the next.
        static KEYS: LazyLock<[RandomState; 2]> =
            LazyLock::new(|| [RandomState::new(), RandomState::new()]);
        static COUNTER: AtomicU64 = AtomicU64::new(0);

        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
        let mut bytes = [0; MAX_LENGTH];
        for (key, half) in KEYS.iter().zip(bytes.chunks_exact_mut(16)) {
            let random = key.hash_one(count).to_be_bytes();
            for (byte, digits) in random.into_iter().zip(half.chunks_exact_mut(2)) {
                digits.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
            }
        }
        Self { bytes, length: 32 }
    }

    /// The trace id of a `traceparent` header.
    ///
    /// The grammar is that of W3C Trace Context, section 3.2: lower-case hexadecimal, no id of zeros, version `ff` forbidden,
    /// and of a version above `00` only the first 55 characters are read.
    ///
    /// ```
    /// use exodrive_errors::TraceId;
    ///
    /// let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// let id = TraceId::from_traceparent(parent).unwrap();
    /// assert_eq!(id.as_str(), "4bf92f3577b34da6a3ce929d0e0e4736");
    /// ```
    #[must_use]
    pub fn from_traceparent(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let fields = bytes.first_chunk::<55>()?;
        let (version, trace, parent) = (&fields[..2], &fields[3..35], &fields[36..52]);
        let separated = fields[2] == b'-' && fields[35] == b'-' && fields[52] == b'-';
        // Counted without an early exit, which the compiler does for many bytes at once. A dash is no digit.
        let is_digit = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let hexadecimal = fields.iter().filter(is_digit).count() == 52;
        let zeros = |field: &[u8]| field.iter().all(|byte| *byte == b'0');
        let rest = match version {
            b"ff" => false,
            b"00" => bytes.len() == 55,
            _ => bytes.len() == 55 || bytes[55] == b'-',
        };
        if separated && hexadecimal && rest && !zeros(trace) && !zeros(parent) {
            Some(Self::of(trace))
        } else {
            None
        }
    }

    /// The id a caller sent: `traceparent` first, then `x-trace-id`.
    ///
    /// A header that is not valid, or is there twice, is ignored: nothing of it is echoed or logged.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let single = |name: HeaderName| {
            let mut values = headers.get_all(name).iter();
            let first = values.next()?;
            values.next().is_none().then_some(first)
        };
        single(TRACEPARENT)
            .and_then(|value| Self::from_traceparent(value.to_str().ok()?))
            .or_else(|| single(X_TRACE_ID).and_then(|value| Self::from_bytes(value.as_bytes())))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Every byte is ASCII, so the default is never taken.
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    pub(crate) fn to_header_value(self) -> HeaderValue {
        // Every character of an id is allowed in a header, so the fallback is never taken.
        HeaderValue::from_bytes(self.as_bytes())
            .unwrap_or_else(|_| HeaderValue::from_static("invalid"))
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    fn from_bytes(text: &[u8]) -> Option<Self> {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        if !(MIN_LENGTH..=MAX_LENGTH).contains(&text.len()) || !text.iter().all(allowed) {
            return None;
        }
        Some(Self::of(text))
    }

    /// An id of text that has been checked.
    fn of(text: &[u8]) -> Self {
        let mut bytes = [0; MAX_LENGTH];
        bytes[..text.len()].copy_from_slice(text);
        let length = text.len() as u8;
        Self { bytes, length }
    }
}

impl FromStr for TraceId {
    type Err = InvalidTraceId;

    fn from_str(text: &str) -> Result<Self, InvalidTraceId> {
        Self::from_bytes(text.as_bytes()).ok_or(InvalidTraceId(()))
    }
}

impl PartialEq for TraceId {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for TraceId {}

impl Hash for TraceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn reads_the_traceparents_that_w3c_allows() {
        for text in [
            format!("00-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-ff"),
            format!("01-{TRACE}-00f067aa0ba902b7-01"),
            format!("cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-brings"),
        ] {
            let id = TraceId::from_traceparent(&text);
            assert_eq!(id.unwrap().as_str(), TRACE, "{text}");
        }
    }

    #[test]
    fn ignores_the_traceparents_that_w3c_forbids() {
        let zeros = "0".repeat(32);
        for text in [
            String::new(),
            "00".into(),
            TRACE.into(),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("00-{TRACE}-00f067aa0ba902b7-01 "),
            format!("cc-{TRACE}-00f067aa0ba902b7-01.more"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{zeros}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00_{TRACE}-00f067aa0ba902b7-01"),
            format!("0g-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-é"),
        ] {
            assert_eq!(TraceId::from_traceparent(&text), None, "{text}");
        }
    }

    #[test]
    fn makes_ids_that_differ_and_have_32_hexadecimal_digits() {
        let ids: HashSet<_> = (0..1000).map(|_| TraceId::random()).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            assert_eq!(id.as_str().len(), 32);
            assert!(id.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }

    #[test]
    fn prefers_traceparent_and_falls_back_when_it_is_not_valid() {
        let mut headers = HeaderMap::new();
        headers.insert("x-trace-id", HeaderValue::from_static("from-the-caller"));
        assert_eq!(
            TraceId::from_headers(&headers).unwrap().as_str(),
            "from-the-caller"
        );
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        headers.insert("traceparent", HeaderValue::from_str(&parent).unwrap());
        assert_eq!(TraceId::from_headers(&headers).unwrap().as_str(), TRACE);
        headers.insert("traceparent", HeaderValue::from_static("00-zz"));
        assert_eq!(
            TraceId::from_headers(&headers).unwrap().as_str(),
            "from-the-caller"
        );
    }

    #[test]
    fn ignores_a_header_that_is_there_twice() {
        let mut headers = HeaderMap::new();
        headers.append("x-trace-id", HeaderValue::from_static("one-of-two"));
        headers.append("x-trace-id", HeaderValue::from_static("two-of-two"));
        assert_eq!(TraceId::from_headers(&headers), None);
    }

    proptest! {
        #[test]
        fn never_panics_and_never_echoes_what_is_not_valid(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                headers.insert("x-trace-id", value.clone());
                headers.insert("traceparent", value);
            }
            if let Some(id) = TraceId::from_headers(&headers) {
                prop_assert!((8..=64).contains(&id.as_str().len()));
                prop_assert!(id.as_str().chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)));
            }
        }

        #[test]
        fn accepts_exactly_its_grammar(text in "[A-Za-z0-9._-]{8,64}", bad in "[^A-Za-z0-9._-]") {
            let id: TraceId = text.parse().unwrap();
            prop_assert_eq!(id.as_str(), &text);
            let spoiled = text + &bad;
            prop_assert!(spoiled.parse::<TraceId>().is_err());
        }
    }
}
