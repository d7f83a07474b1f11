//! A stored answer.

mod codec;
#[cfg(feature = "objects")]
mod object;
#[cfg(feature = "lz4")]
mod packed;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::decision::make_room;
use crate::entity_tag::strong_etag;
use crate::freshness::Freshness;
use crate::hop_by_hop;
use crate::origin::SetCookie;
use crate::policy::CachePolicy;
use crate::vary::Vary;
use crate::{CacheKey, Tag};

#[cfg(feature = "redis")]
pub(crate) use self::codec::encode_vary;
pub use self::codec::{DecodeError, DecodeErrorKind};
#[cfg(feature = "objects")]
pub(crate) use self::object::Made;
#[cfg(feature = "objects")]
use self::object::Read;

/// An answer of a handler as a store keeps it.
#[derive(Clone)]
pub struct Entry {
    key: CacheKey,
    tags: Arc<[Tag]>,
    vary: Vary,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    answered_at: SystemTime,
    fill_time: Duration,
    freshness: Freshness,
    content: Content,
    known: KnownUntil,
}

/// What an entry holds.
#[derive(Clone, Debug)]
enum Content {
    /// An answer.
    Answer,
    /// An object of the application; the body is its JSON, and beside it is what that says, once somebody has read it.
    #[cfg(feature = "objects")]
    Object(Read),
}

/// Up to which invalidation the memory that keeps an entry knows it to be valid.
///
/// It is kept in the entry because every hit needs it, and each place in memory that a hit goes to takes its time.
/// A copy is in no memory yet.
#[derive(Debug, Default)]
pub(crate) struct KnownUntil(pub(crate) AtomicU64);

/// Header fields that services in this process write for one request.
const PER_REQUEST: [HeaderName; 15] = [
    header::DATE,
    header::RETRY_AFTER,
    HeaderName::from_static("cache-status"),
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("server-timing"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("x-cache"),
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-response-time"),
    HeaderName::from_static("x-trace-id"),
];

impl Entry {
    pub(crate) fn new(
        policy: &CachePolicy,
        key: &CacheKey,
        head: &Head,
        tags: Arc<[Tag]>,
        body: Bytes,
    ) -> Self {
        let mut headers = head.headers.clone();
        // A transparent cache adds nothing to what the origin says.
        if !policy.is_transparent() && !headers.contains_key(header::ETAG) {
            headers.insert(header::ETAG, strong_etag(&body));
        }
        make_room(&mut headers);
        Self {
            key: key.without_request(),
            tags,
            vary: head.vary.clone(),
            status: head.status,
            headers,
            body,
            answered_at: head.answered_at,
            fill_time: head.fill_time,
            freshness: head.freshness,
            content: Content::Answer,
            known: KnownUntil::default(),
        }
    }

    /// Returns the keyed inputs of the requests that the entry answers.
    #[must_use]
    pub fn key(&self) -> &CacheKey {
        &self.key
    }

    /// Returns the tags whose invalidation removes the entry.
    #[must_use]
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// Returns about how many bytes of memory the entry takes.
    #[must_use]
    pub fn weight(&self) -> u64 {
        // What a map, a reference count and the fixed parts cost, measured once and rounded up.
        const FIXED: usize = 512;
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| 64 + name.as_str().len() + value.len())
            .sum();
        let tags: usize = self.tags.iter().map(|tag| 32 + tag.as_str().len()).sum();
        let body = match self.content {
            Content::Answer => self.body.len(),
            // What it says takes about as much room again.
            #[cfg(feature = "objects")]
            Content::Object(_) => 2 * self.body.len(),
        };
        (FIXED + self.key.inputs().len() + headers + tags + body) as u64
    }

    pub(crate) fn vary(&self) -> &Vary {
        &self.vary
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the header of the handler's answer, with room for what is written on it each time.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    pub(crate) fn answered_at(&self) -> SystemTime {
        self.answered_at
    }

    /// Returns how long the handler took to answer.
    pub(crate) fn fill_time(&self) -> Duration {
        self.fill_time
    }

    pub(crate) fn freshness(&self) -> &Freshness {
        &self.freshness
    }

    pub(crate) fn known_until(&self) -> &AtomicU64 {
        &self.known.0
    }

    /// Returns how long ago the handler gave the answer, to this cache.
    pub(crate) fn resident(&self, now: SystemTime) -> Duration {
        now.duration_since(self.answered_at).unwrap_or_default()
    }

    /// Returns the answer's age (RFC 9111, section 4.2.3).
    pub(crate) fn age(&self, now: SystemTime) -> Duration {
        self.freshness.age(self.resident(now))
    }
}

impl Clone for KnownUntil {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Headers and body may hold what belongs in no log.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .field("tags", &self.tags)
            .field("status", &self.status)
            .field("freshness", &self.freshness)
            .finish_non_exhaustive()
    }
}

/// A storable answer but for its body.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    /// The fields that may be given to other clients, too.
    pub(crate) headers: HeaderMap,
    pub(crate) vary: Vary,
    pub(crate) answered_at: SystemTime,
    /// How long the handler took.
    pub(crate) fill_time: Duration,
    pub(crate) freshness: Freshness,
}

/// Takes from an answer's header what may be given to other clients, too.
pub(crate) fn storable_headers(policy: &CachePolicy, headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    hop_by_hop::strip(&mut headers);
    // It is told anew each time.
    headers.remove(header::AGE);
    if policy.is_transparent() {
        detach(&mut headers);
    } else {
        for name in PER_REQUEST {
            headers.remove(name);
        }
    }
    if policy.set_cookie == SetCookie::Strip {
        headers.remove(header::SET_COOKIE);
    }
    headers
}

/// Gives the values memory of their own. Those that were read from a connection would keep all of what was read with them.
fn detach(headers: &mut HeaderMap) {
    for value in headers.values_mut() {
        if let Ok(mut own) = HeaderValue::from_bytes(value.as_bytes()) {
            own.set_sensitive(value.is_sensitive());
            *value = own;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(policy: &CachePolicy) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("age", "3"),
            ("x-trace-id", "abcdefgh"),
            ("date", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("set-cookie", "a=1"),
            ("content-type", "text/plain"),
            ("etag", "\"1\""),
        ] {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        let kept = storable_headers(policy, &headers);
        let mut names: Vec<_> = kept.keys().map(ToString::to_string).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn leaves_out_what_belongs_to_one_exchange() {
        let policy = CachePolicy::ttl(Duration::from_secs(1)).set_cookie(SetCookie::Strip);
        assert_eq!(kept(&policy), ["content-type", "etag"]);
    }

    #[test]
    fn a_transparent_cache_leaves_out_what_belongs_to_one_connection() {
        assert_eq!(
            kept(&CachePolicy::rfc9111()),
            ["content-type", "date", "etag", "set-cookie", "x-trace-id"]
        );
    }
}
