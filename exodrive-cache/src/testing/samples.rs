//! Keys, tags and answers to try a store with.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, LINK, VARY};
use http::{HeaderMap, HeaderValue, Request, StatusCode};

use crate::admission::admit;
use crate::entry::Head;
use crate::freshness::Freshness;
use crate::vary::Vary;
use crate::{CacheKey, CachePolicy, Entry, Tag};

/// Keys, tags and answers that no other run has.
#[derive(Debug)]
pub(super) struct Samples {
    run: String,
    answered_at: SystemTime,
}

impl Samples {
    pub(super) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.unwrap_or_default();
        // Stores may keep times in whole microseconds.
        let micros = u64::try_from(since.as_micros()).unwrap_or_default();
        Self {
            run: format!("{:x}", since.as_nanos()),
            answered_at: UNIX_EPOCH + Duration::from_micros(micros),
        }
    }

    pub(super) fn tag(&self, name: &str) -> Tag {
        Tag::new(format!("{}:{name}", self.run))
    }

    pub(super) fn key(&self, name: &str) -> CacheKey {
        self.key_under(&CachePolicy::ttl(Duration::from_secs(60)), name, "")
    }

    /// The key of a request in a language, in which a `Vary` may tell answers apart.
    pub(super) fn key_in(&self, name: &str, language: &str) -> CacheKey {
        self.key_under(&CachePolicy::rfc9111(), name, language)
    }

    fn key_under(&self, policy: &CachePolicy, name: &str, language: &str) -> CacheKey {
        let (request, ()) = Request::get(format!("/{}/{name}", self.run))
            .header(ACCEPT_LANGUAGE, language)
            .body(())
            .expect("the parts of the request are valid")
            .into_parts();
        let admitted = admit(policy, &request).expect("the request may use the cache");
        CacheKey::new("sample", policy, &[], &request, &admitted)
    }

    /// An answer with everything in its head that a store could lose.
    pub(super) fn entry(&self, key: &CacheKey, tags: &[Tag], body: impl Into<Bytes>) -> Entry {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.append(LINK, HeaderValue::from_static("</a>; rel=\"next\""));
        headers.append(LINK, HeaderValue::from_static("</b>; rel=\"prev\""));
        let opaque = HeaderValue::from_bytes(b"\x80 \xff").expect("opaque bytes are a value");
        headers.insert("x-opaque", opaque);
        headers.insert("x-empty", HeaderValue::from_static(""));
        let by_language =
            HeaderMap::from_iter([(VARY, HeaderValue::from_static("accept-language"))]);
        let head = Head {
            status: StatusCode::NON_AUTHORITATIVE_INFORMATION,
            headers,
            vary: Vary::of(&by_language, key.request_headers()).unwrap_or_default(),
            answered_at: self.answered_at,
            fill_time: Duration::from_millis(7),
            freshness: Freshness::fixed(
                Duration::from_secs(3600),
                Duration::from_secs(60),
                Duration::from_secs(86_400),
            ),
        };
        let policy = CachePolicy::ttl(Duration::from_secs(3600));
        Entry::new(&policy, key, &head, tags.into(), body.into())
    }
}

/// Asserts that nothing of an answer was lost.
#[track_caller]
pub(super) fn assert_same(found: &Entry, stored: &Entry) {
    assert_eq!(found.key(), stored.key(), "the key");
    assert_eq!(found.tags(), stored.tags(), "the tags");
    assert_eq!(found.vary(), stored.vary(), "what the answer varies by");
    assert_eq!(found.status(), stored.status(), "the status");
    assert_eq!(found.headers(), stored.headers(), "the header lines");
    assert_eq!(found.body(), stored.body(), "the body");
    assert_eq!(found.answered_at(), stored.answered_at(), "the time");
    assert_eq!(found.fill_time(), stored.fill_time(), "the handler's time");
    assert_eq!(found.freshness(), stored.freshness(), "the freshness");
}
