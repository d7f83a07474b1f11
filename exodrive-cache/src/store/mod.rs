//! Where entries are kept.

mod ledger;
mod memory;

use std::future::Future;
use std::sync::Arc;

pub use self::memory::{MemoryFill, MemoryStore};
use crate::error::StoreError;
use crate::{CacheKey, Entry, Tag};

/// Keeps entries, and makes sure that an invalidated one is never served again.
///
/// A fill is the time between asking the handler for an answer and storing it. If a tag of the
/// answer is invalidated in between, the answer may have been made from older data. A store
/// therefore remembers in [`Self::Fill`] what had been invalidated when the fill was opened, and
/// refuses, then or on a later lookup, what was overtaken.
///
/// Once [`invalidate`](Self::invalidate) has returned, no method may return an entry that carries one of its
/// tags and whose fill was opened before, or, if the invalidation was soft, only as
/// [outdated](Found::outdated).
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

    /// Looks for an entry.
    fn lookup(
        &self,
        key: &CacheKey,
    ) -> impl Future<Output = Result<Option<Found>, StoreError>> + Send;

    /// Opens a fill of `key`, whose entry will carry at least `tags`. The handler must not have been
    /// asked yet.
    fn open(
        &self,
        key: &CacheKey,
        tags: &[Tag],
    ) -> impl Future<Output = Result<Self::Fill, StoreError>> + Send;

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

    /// Invalidates every entry with one of the tags, and every fill that is under way and ends in one
    /// of them.
    fn invalidate(
        &self,
        tags: &[Tag],
        how: Invalidation,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
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

/// How a fill ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Commit {
    /// The entry is stored.
    Stored,
    /// One of its tags was invalidated meanwhile.
    Overtaken,
    /// The entry is larger than the store.
    TooLarge,
}
