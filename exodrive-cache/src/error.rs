//! What can go wrong.

use std::fmt;

use crate::reason::Bypass;

/// A boxed error of any kind.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A store could not do what it was asked.
///
/// It never reaches a client: the request is answered by the handler.
#[derive(Debug, thiserror::Error)]
#[error("the cache's store failed")]
pub struct StoreError(#[source] BoxError);

/// A cache was configured in a way that cannot work. Its text names every mistake.
#[derive(Debug)]
pub struct BuildError(Box<[Mistake]>);

/// A layer was asked for a policy that the cache does not have.
#[derive(Debug, thiserror::Error)]
#[error("no policy is named {0:?}; add it with `CacheBuilder::policy`")]
pub struct UnknownPolicy(pub(crate) Box<str>);

/// An event could not be published, or did not reach the store.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct PublishError(#[from] PublishFailure);

/// What is stored for a request could not be purged.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct PurgeError(#[from] PurgeFailure);

/// Why what is stored for a request could not be purged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PurgeErrorKind {
    /// There is no such policy.
    UnknownPolicy,
    /// Its answers have no tags of their own.
    NotByKey,
    /// The request may not use the cache, so nothing is stored for it.
    Bypass(Bypass),
    /// The store failed; what it holds may still be served.
    Store,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum PurgeFailure {
    #[error(transparent)]
    Unknown(UnknownPolicy),
    #[error("answers of policy {0:?} are not purged by key; see `CachePolicy::purge_by_key`")]
    NotByKey(Box<str>),
    #[error("the request may not use the cache ({})", .0.name())]
    Bypass(Bypass),
    #[error("the answer was not purged")]
    Store(#[source] StoreError),
}

/// Why an event did not reach the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PublishErrorKind {
    /// No rule says which tags the event makes outdated.
    Unregistered,
    /// The event lacks a field that one of its tags is made of; nothing was invalidated.
    Field,
    /// The store failed; what the event made outdated may still be served.
    Store,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishFailure {
    #[error("no rule names the event {0:?}; add one with `CacheBuilder::on`")]
    Unregistered(Box<str>),
    #[cfg(feature = "json")]
    #[error("the event {event:?} has no field {field:?} that a tag could be made of")]
    Field { event: Box<str>, field: Box<str> },
    #[error("the event {0:?} was not applied")]
    Store(Box<str>, #[source] StoreError),
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum Mistake {
    #[error("policy {0:?} is defined twice")]
    DuplicatePolicy(Box<str>),
    #[error(
        "policy {policy:?} has a time to live of zero; leave the route without a layer instead"
    )]
    ZeroTtl { policy: Box<str> },
    #[error("policy {policy:?} gives the handler no time or no calls")]
    NoCalls { policy: Box<str> },
    #[error("policy {policy:?} refreshes early by {beta}, which is no number from 0 up")]
    EarlyRefresh { policy: Box<str>, beta: f64 },
    #[error("policy {policy:?} has a tag with {{{parameter}}}, which its route does not have")]
    UnknownParameter {
        policy: Box<str>,
        parameter: Box<str>,
    },
    #[error("policy {policy:?} names the header {header:?}, which is not a header name")]
    InvalidHeader { policy: Box<str>, header: Box<str> },
    #[error("two events are both named {0:?}")]
    DuplicateEvent(Box<str>),
}

impl StoreError {
    /// Wraps the error of a store.
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self(source.into())
    }
}

impl BuildError {
    /// Returns an error if there is any mistake.
    pub(crate) fn check(mistakes: Vec<Mistake>) -> Result<(), Self> {
        if mistakes.is_empty() {
            return Ok(());
        }
        Err(Self(mistakes.into()))
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cache cannot be built: ")?;
        for (n, mistake) in self.0.iter().enumerate() {
            let separator = if n == 0 { "" } else { "; " };
            write!(f, "{separator}{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildError {}

impl PublishError {
    /// Returns why the event did not reach the store.
    #[must_use]
    pub fn kind(&self) -> PublishErrorKind {
        match self.0 {
            PublishFailure::Unregistered(_) => PublishErrorKind::Unregistered,
            #[cfg(feature = "json")]
            PublishFailure::Field { .. } => PublishErrorKind::Field,
            PublishFailure::Store(..) => PublishErrorKind::Store,
        }
    }
}

impl PurgeError {
    /// Returns why nothing was purged.
    #[must_use]
    pub fn kind(&self) -> PurgeErrorKind {
        match self.0 {
            PurgeFailure::Unknown(_) => PurgeErrorKind::UnknownPolicy,
            PurgeFailure::NotByKey(_) => PurgeErrorKind::NotByKey,
            PurgeFailure::Bypass(bypass) => PurgeErrorKind::Bypass(bypass),
            PurgeFailure::Store(_) => PurgeErrorKind::Store,
        }
    }
}
