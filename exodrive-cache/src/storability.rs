//! Whether an answer may be stored.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE};
use http::response::Parts;
use http::{HeaderMap, StatusCode};
use http_body::SizeHint;

use crate::entry::{Head, storable_headers};
use crate::freshness::{self, Freshness, Why};
use crate::origin::SetCookie;
use crate::reason::Unstorable;
use crate::route_policy::RoutePolicy;
use crate::tags::ResponseTags;
use crate::terms::Terms;
use crate::vary::{self, Vary};
use crate::{CacheKey, Tag};

const MAX_FIELDS: usize = 64;
const MAX_FIELD_BYTES: usize = 16 << 10;
/// How many tags an entry has at most.
pub(crate) const MAX_TAGS: usize = 32;

/// When the handler was asked, when it answered, and what else decides for how long.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) requested_at: SystemTime,
    pub(crate) answered_at: SystemTime,
    /// At least 0 and below 1: how much of its jitter the answer's time to live loses.
    pub(crate) chance: f64,
    /// What the handler said beside its answer.
    pub(crate) terms: Terms,
}

impl Exchange {
    /// Returns how long the handler took to answer.
    pub(crate) fn fill_time(&self) -> Duration {
        let time = self.answered_at.duration_since(self.requested_at);
        time.unwrap_or_default()
    }
}

/// What is known of a storable answer before its body is read.
#[derive(Debug)]
pub(crate) struct Storable {
    pub(crate) head: Head,
    pub(crate) tags: Arc<[Tag]>,
    /// The body's length, when the handler declared it.
    pub(crate) length: Option<u64>,
}

/// Decides whether an answer may be stored, from its head and the length that its body declares.
///
/// `tags` are those of the policy; those that the answer and the handler name join them.
pub(crate) fn judge(
    policy: &RoutePolicy,
    key: &CacheKey,
    tags: &[Tag],
    answer: &Parts,
    exchange: &Exchange,
    size: &SizeHint,
) -> Result<Storable, Unstorable> {
    let headers = &answer.headers;
    if exchange.terms.no_store {
        return Err(Unstorable::Handler);
    }
    let (vary, freshness) = if policy.policy.is_transparent() {
        transparent(key, answer, exchange)?
    } else {
        keyed(policy, answer, exchange)?
    };
    if policy.policy.set_cookie == SetCookie::Refuse && headers.contains_key(SET_COOKIE) {
        return Err(Unstorable::SetCookie);
    }
    if is_endless(headers) {
        return Err(Unstorable::ContentType);
    }
    let field_bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if headers.len() > MAX_FIELDS || field_bytes > MAX_FIELD_BYTES {
        return Err(Unstorable::Headers);
    }
    let tags = with_declared(tags.to_vec(), policy, key, answer, exchange)?;
    let length = declared_length(headers).or(size.exact());
    if length.unwrap_or(size.lower()) > policy.policy.max_body as u64 {
        return Err(Unstorable::Body);
    }
    Ok(Storable {
        head: Head {
            status: answer.status,
            headers: storable_headers(&policy.policy, headers),
            vary,
            answered_at: exchange.answered_at,
            fill_time: exchange.fill_time(),
            freshness,
        },
        tags,
        length,
    })
}

/// Joins tags with those that the answer and the handler declare, unless they are too many.
pub(crate) fn with_declared(
    mut tags: Vec<Tag>,
    policy: &RoutePolicy,
    key: &CacheKey,
    answer: &Parts,
    exchange: &Exchange,
) -> Result<Arc<[Tag]>, Unstorable> {
    if let Some(own) = answer.extensions.get::<ResponseTags>() {
        tags.extend_from_slice(own.as_slice());
    }
    tags.extend_from_slice(&exchange.terms.tags);
    tags.extend(policy.groups_of(&answer.headers, key));
    tags.sort_unstable();
    tags.dedup();
    if tags.len() > MAX_TAGS {
        return Err(Unstorable::Tags);
    }
    Ok(tags.into())
}

/// What the policy says, unless the answer says no.
fn keyed(
    policy: &RoutePolicy,
    answer: &Parts,
    exchange: &Exchange,
) -> Result<(Vary, Freshness), Unstorable> {
    let RoutePolicy {
        policy, headers, ..
    } = policy;
    if answer.status != StatusCode::OK {
        return Err(Unstorable::Status);
    }
    if !policy.origin.allows(&answer.headers) {
        return Err(Unstorable::CacheControl);
    }
    let varying = vary::names(&answer.headers).ok_or(Unstorable::Vary)?;
    if !varying.iter().all(|name| headers.contains(name)) {
        return Err(Unstorable::Vary);
    }
    let ttl = exchange.terms.ttl.unwrap_or(policy.schedule.ttl);
    if ttl.is_zero() {
        return Err(Unstorable::Lifetime);
    }
    // What `Vary` names is part of the key already, so there is but one variant.
    let freshness = policy.schedule.freshness(ttl, exchange.chance);
    Ok((Vary::default(), freshness))
}

/// What RFC 9111, section 3 says.
fn transparent(
    key: &CacheKey,
    answer: &Parts,
    exchange: &Exchange,
) -> Result<(Vary, Freshness), Unstorable> {
    let request = key.request_headers();
    freshness::storable(request, answer.status, &answer.headers)?;
    let vary = Vary::of(&answer.headers, request).ok_or(Unstorable::Vary)?;
    let freshness = Freshness::rfc9111(
        answer.status,
        &answer.headers,
        exchange.requested_at,
        exchange.answered_at,
    );
    Ok((vary, freshness))
}

impl From<Why> for Unstorable {
    fn from(why: Why) -> Self {
        match why {
            Why::Request => Self::Request,
            Why::Status | Why::NotUnderstood => Self::Status,
            Why::NoStore | Why::Private => Self::CacheControl,
            Why::Authorization => Self::Credentials,
            Why::NotExplicit => Self::Lifetime,
            Why::Vary => Self::Vary,
        }
    }
}

/// Returns whether the content is a stream of events or of gRPC messages.
fn is_endless(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            let media_type = value.split(';').next().unwrap_or_default().trim();
            media_type.eq_ignore_ascii_case("text/event-stream")
                || media_type
                    .get(..16)
                    .is_some_and(|start| start.eq_ignore_ascii_case("application/grpc"))
        })
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
