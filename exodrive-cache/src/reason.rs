//! Why the cache did what it did.

use http::StatusCode;

/// Why a stale answer was served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StaleReason {
    /// A fresh one is being fetched (RFC 5861, section 3).
    Refreshing,
    /// The handler failed (RFC 5861, section 4).
    Error,
    /// The handler takes longer than the policy's
    /// [`soft_timeout`](crate::CachePolicy::soft_timeout) or [`timeout`](crate::CachePolicy::timeout).
    Slow,
    /// The handler has as many calls as it [may have](crate::CachePolicy::max_calls).
    Overloaded,
    /// The client said that it accepts one (RFC 9111, section 5.2.1.2).
    Accepted,
}

/// Why the handler gave no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unanswered {
    /// The client wants nothing but what is stored (RFC 9111, section 5.2.1.7): a 504.
    OnlyIfCached,
    /// The handler took longer than the policy's [`timeout`](crate::CachePolicy::timeout): a 504.
    Slow,
    /// The handler has as many calls as it [may have](crate::CachePolicy::max_calls): a 503.
    Overloaded,
}

/// Why a request may not use the cache.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Bypass {
    /// The method is neither GET nor HEAD.
    Method,
    /// The path does not match the policy's route.
    Route,
    /// The request has a body, which could change the answer but is in no key.
    Body,
    /// The request asks for another protocol.
    Upgrade,
    /// There are several `Host` headers, or one that disagrees with the target's authority.
    Host,
    /// The query is over 2 KiB or has over 64 parameters.
    Query,
    /// The request carries credentials, and the policy says nothing about them.
    Credentials,
}

/// Why an answer was not stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unstorable {
    /// The request was a HEAD, whose answer has no body to store.
    Head,
    /// The request's `Cache-Control` forbids it.
    Request,
    /// The handler said so, through [`CacheTerms`](crate::CacheTerms).
    Handler,
    /// The status is not one that is stored.
    Status,
    /// The answer sets a cookie.
    SetCookie,
    /// `Vary` names `*` or a header that is not keyed.
    Vary,
    /// `Cache-Control` forbids it.
    CacheControl,
    /// The request was authorized, and nothing says that others may have the answer.
    Credentials,
    /// Nothing says how long the answer may be kept.
    Lifetime,
    /// The content is an event stream or gRPC.
    ContentType,
    /// The header block is over 64 fields or 16 KiB.
    Headers,
    /// The answer carries over 32 tags.
    Tags,
    /// The declared length is over the policy's cap.
    Body,
    /// The store could not be reached.
    Store,
    /// The fill that the request waited for came to nothing, so it went to the handler alone.
    Abandoned,
}

impl StaleReason {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Refreshing => "refreshing",
            Self::Error => "error",
            Self::Slow => "slow",
            Self::Overloaded => "overloaded",
            Self::Accepted => "accepted",
        }
    }
}

impl Unanswered {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OnlyIfCached => "only-if-cached",
            Self::Slow => "slow",
            Self::Overloaded => "overloaded",
        }
    }

    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::OnlyIfCached | Self::Slow => StatusCode::GATEWAY_TIMEOUT,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Bypass {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Route => "route",
            Self::Body => "body",
            Self::Upgrade => "upgrade",
            Self::Host => "host",
            Self::Query => "query",
            Self::Credentials => "credentials",
        }
    }
}

impl Unstorable {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Request => "request",
            Self::Handler => "handler",
            Self::Status => "status",
            Self::SetCookie => "set-cookie",
            Self::Vary => "vary",
            Self::CacheControl => "cache-control",
            Self::Credentials => "credentials",
            Self::Lifetime => "lifetime",
            Self::ContentType => "content-type",
            Self::Headers => "headers",
            Self::Tags => "tags",
            Self::Body => "body",
            Self::Store => "store",
            Self::Abandoned => "abandoned",
        }
    }
}
