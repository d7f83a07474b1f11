//! Where entries are kept.

mod ledger;
mod memory;
mod recent;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod tiered;

use std::future::{self, Future};
use std::sync::Arc;
use std::time::Duration;

pub use self::memory::{MemoryFill, MemoryStore};
#[cfg(feature = "redis")]
pub use self::redis::{RedisFill, RedisStore};
#[cfg(feature = "redis")]
pub use self::tiered::TieredStore;
use crate::error::StoreError;
use crate::{CacheKey, Entry, Tag};

/// Keeps entries, and makes sure that an invalidated one is never served again.
///
/// A fill is the time between asking the handler for an answer and storing it. If a tag of the
/// answer is invalidated in between, the answer may have been made from older data. A store
/// therefore remembers in [`Self::Fill`] what had been invalidated when the fill was opened, and
/// refuses, then or on a later lookup, what was overtaken.
///
/// Once [`invalidate`](Self::invalidate) has returned [`Invalidated::Applied`], no method may return an
/// entry that carries one of its tags and whose fill was opened before, or, if the invalidation was
/// soft, only as [outdated](Found::outdated). A store with several instances states for how long what
/// one of them keeps in its own memory may lag behind.
pub trait Store: Send + Sync + 'static {
    /// What the store remembers of a fill.
    type Fill: Send + Sync + 'static;

    /// Looks for an entry in this process's memory, without waiting.
    ///
    /// A store that keeps nothing in memory has nothing to implement.
    fn peek(&self, key: &CacheKey) -> Option<Found> {
        let _ = key;
        None
    }

    /// Looks for an entry, which carries at least `tags` if there is one.
    fn lookup(
        &self,
        key: &CacheKey,
        tags: &[Tag],
    ) -> impl Future<Output = Result<Option<Found>, StoreError>> + Send;

    /// Opens a fill. The handler must not have been asked yet.
    ///
    /// A store that several instances share lets one of them fill a key at a time, as far as that
    /// saves work: it is no promise, and an instance that has vanished does not hold up the others.
    fn open(
        &self,
        opening: Opening<'_>,
    ) -> impl Future<Output = Result<Opened<Self::Fill>, StoreError>> + Send;

    /// Returns whether nothing of `tags` was invalidated since the fill was opened, hard or soft.
    fn is_current(
        &self,
        fill: &Self::Fill,
        tags: &[Tag],
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Ends a fill by storing its entry, in place of an older one with the same key.
    fn commit(
        &self,
        fill: &Self::Fill,
        entry: Entry,
    ) -> impl Future<Output = Result<Commit, StoreError>> + Send;

    /// Ends a fill that has nothing to store, so that nobody waits for it any longer.
    ///
    /// A fill that is neither committed nor released ends by itself after a while. A store that lets
    /// any number of fills be open has nothing to implement.
    fn release(&self, fill: &Self::Fill, release: Release) -> impl Future<Output = ()> + Send {
        let _ = (fill, release);
        future::ready(())
    }

    /// Invalidates every entry with one of the tags, and every fill that is under way and ends in one
    /// of them.
    fn invalidate(
        &self,
        tags: &[Tag],
        how: Invalidation,
    ) -> impl Future<Output = Result<Invalidated, StoreError>> + Send;
}

/// What a fill is opened for.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever tests a store makes it")]
pub struct Opening<'a> {
    /// The key that is to be filled.
    pub key: &'a CacheKey,
    /// Tags that the entry will carry; the handler may add more.
    pub tags: &'a [Tag],
    /// The entry that is to be replaced, if there is one.
    pub replaces: Option<&'a Entry>,
    /// What to do while another instance fills the key.
    pub turn: Turn,
    /// How old the data may be that the handler reads: an entry with a tag that was invalidated less than this long before is not
    /// stored. Zero if it reads what was committed last.
    pub replica_lag: Duration,
}

/// What an [`Opening`] does while another instance fills the key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a store has to know what to do")]
pub enum Turn {
    /// It waits, for a while.
    Wait,
    /// It goes without: [`Opened::Busy`].
    Yield,
    /// It fills the key all the same, and keeps nobody waiting.
    Ignore,
}

/// What became of an [`Opening`].
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to know what to do")]
pub enum Opened<F> {
    /// The fill is open.
    Fill(F),
    /// Another instance has filled the key meanwhile.
    Found(Found),
    /// Another instance is filling the key.
    Busy,
}

impl<F> Opened<F> {
    /// Turns the fill into that of a store which consists of others.
    pub fn map<G>(self, wrap: impl FnOnce(F) -> G) -> Opened<G> {
        match self {
            Self::Fill(fill) => Opened::Fill(wrap(fill)),
            Self::Found(found) => Opened::Found(found),
            Self::Busy => Opened::Busy,
        }
    }
}

/// Why a fill has nothing to store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "either there was an answer or there was none"
)]
pub enum Release {
    /// The answer may not be stored, and the next one will not be either: for a while, instances need
    /// not wait for each other's.
    Unstorable,
    /// There was no answer, or not all of it, or it said that the handler failed.
    Failed,
}

/// An entry in a store.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores make it")]
pub struct Found {
    /// The entry.
    pub entry: Arc<Entry>,
    /// Whether one of its tags was invalidated softly since it was made.
    pub outdated: bool,
}

/// How an invalidation treats what it names.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing in between")]
pub enum Invalidation {
    /// It is never served again.
    #[default]
    Hard,
    /// It is stale from now on: it may be served where the policy allows stale answers, while or until
    /// it is replaced.
    Soft,
}

/// What an invalidation has done so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing in between")]
pub enum Invalidated {
    /// It holds for every instance.
    Applied,
    /// It holds for this instance, and for the others once the store can be reached again.
    Deferred,
}

/// How a fill ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Commit {
    /// The entry is stored.
    Stored,
    /// One of its tags was invalidated meanwhile.
    Overtaken,
    /// One of its tags was invalidated so shortly before the fill was opened that the handler may have read
    /// [older data](Opening::replica_lag).
    Unsettled,
    /// The entry is larger than the store.
    TooLarge,
}
