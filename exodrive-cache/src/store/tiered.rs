//! Entries in this process's memory, in front of those in Redis.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::ledger::Validity;
use super::redis::{Journal, RedisFill, RedisStore};
use super::{
    Commit, Found, Invalidated, Invalidation, MemoryStore, Opened, Opening, Release, Store,
};
use crate::error::StoreError;
use crate::{CacheKey, Entry, Tag};

/// A [`MemoryStore`] in front of a [`RedisStore`], which learns from the journal what other instances invalidate.
///
/// An entry that is found in Redis is kept in memory, and serves the next requests without a round trip.
///
/// # How long the memory may be behind
///
/// An invalidation holds for the memory of its own instance at once, and in the others as soon as they
/// have read the journal: on their own connection, on which the server writes each record as it comes.
/// A connection that is lost or silent for over a second and the handle's deadline takes the memory out of use, until
/// everything that was written meanwhile is read. So no entry is served from memory for longer than a second and three
/// deadlines after [`invalidate`](Store::invalidate) has returned [`Invalidated::Applied`] on another instance, and usually not
/// for longer than one message takes: the reply that says that there is nothing yet, the question whether the server is still
/// the master, and the reply after it may each come just in time. No clock is compared. A journal that was trimmed, lost or replaced by another server's empties the
/// memory.
///
/// # When Redis fails
///
/// As for [`RedisStore`]. The memory is not used, since nobody could say what it should forget.
///
/// # Server
///
/// As for [`RedisStore`], and `+xread`.
#[derive(Clone)]
pub struct TieredStore {
    tiers: Arc<Tiers>,
}

struct Tiers {
    memory: MemoryStore,
    redis: RedisStore,
    journal: Journal,
}

impl TieredStore {
    /// Puts a memory in front of a store in Redis, and begins to read its journal.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new(memory: MemoryStore, redis: RedisStore) -> Self {
        let redis = redis.behind(memory.ledger());
        let journal = redis.read_journal();
        Self {
            tiers: Arc::new(Tiers {
                memory,
                redis,
                journal,
            }),
        }
    }

    /// Returns whether the memory is in use: whether the journal is read as it is written.
    #[must_use]
    pub fn memory_is_in_use(&self) -> bool {
        self.tiers.journal.is_up_to_date()
    }

    /// Returns how long it took until the last record was read that this instance has written to the journal, which it does
    /// for each invalidation and after each connection; `None` before the first.
    ///
    /// The records of other instances are read on the same connection. How long the memory may be behind at most is said
    /// [above](Self#how-long-the-memory-may-be-behind).
    #[must_use]
    pub fn journal_lag(&self) -> Option<Duration> {
        self.tiers.journal.lag()
    }

    /// Returns the store in front.
    #[must_use]
    pub fn memory(&self) -> &MemoryStore {
        &self.tiers.memory
    }

    /// Returns the store behind.
    #[must_use]
    pub fn redis(&self) -> &RedisStore {
        &self.tiers.redis
    }
}

impl Store for TieredStore {
    type Fill = RedisFill;

    fn peek(&self, key: &CacheKey) -> Option<Found> {
        let Tiers {
            memory, journal, ..
        } = &*self.tiers;
        journal.is_up_to_date().then(|| memory.peek(key)).flatten()
    }

    /// Asks Redis, where another instance may have put a newer entry than the one in memory.
    async fn lookup(&self, key: &CacheKey, tags: &[Tag]) -> Result<Option<Found>, StoreError> {
        let Tiers { memory, redis, .. } = &*self.tiers;
        // Before Redis is asked: what is invalidated from here on concerns what it answers.
        let since = memory.ledger().head();
        let found = redis.lookup(key, tags).await;
        let kept = self.peek(key);
        let found = match (found, kept) {
            (Ok(Some(found)), Some(kept)) if is_newer(&kept, &found) => return Ok(Some(kept)),
            (Ok(None) | Err(_), Some(kept)) => return Ok(Some(kept)),
            (found, _) => found?,
        };
        if let Some(Found { entry, outdated }) = &found
            && !outdated
        {
            memory.keep(entry, since);
        }
        Ok(found)
    }

    fn open(
        &self,
        opening: Opening<'_>,
    ) -> impl Future<Output = Result<Opened<RedisFill>, StoreError>> + Send {
        self.tiers.redis.open(opening)
    }

    async fn is_current(&self, fill: &RedisFill, tags: &[Tag]) -> Result<bool, StoreError> {
        let Tiers {
            memory,
            redis,
            journal,
        } = &*self.tiers;
        if journal.is_up_to_date() {
            let validity = memory.ledger().check(fill.position, tags);
            return Ok(matches!(validity, Validity::Valid(_)));
        }
        redis.is_current(fill, tags).await
    }

    async fn commit(&self, fill: &RedisFill, entry: Entry) -> Result<Commit, StoreError> {
        let Tiers { memory, redis, .. } = &*self.tiers;
        let committed = redis.commit(fill, entry.clone()).await;
        match committed {
            Ok(commit @ (Commit::Overtaken | Commit::Unsettled)) => Ok(commit),
            // Without the server nobody knows what was invalidated elsewhere a moment ago.
            Err(error) if fill.recent_from.is_some() => Err(error),
            // Where Redis had no room for it, or could not be reached, the memory keeps it by its own rules.
            Ok(_) | Err(_) => match (memory.keep(&Arc::new(entry), fill.position), committed) {
                (Commit::Overtaken, _) => Ok(Commit::Overtaken),
                (Commit::Stored, _) => Ok(Commit::Stored),
                (_, committed) => committed,
            },
        }
    }

    fn release(&self, fill: &RedisFill, release: Release) -> impl Future<Output = ()> + Send {
        self.tiers.redis.release(fill, release)
    }

    fn invalidate(
        &self,
        tags: &[Tag],
        how: Invalidation,
    ) -> impl Future<Output = Result<Invalidated, StoreError>> + Send {
        self.tiers.redis.invalidate(tags, how)
    }
}

fn is_newer(one: &Found, other: &Found) -> bool {
    one.entry.answered_at() > other.entry.answered_at()
}

impl fmt::Debug for TieredStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TieredStore")
            .field("memory", &self.tiers.memory)
            .field("redis", self.tiers.redis.redis())
            .field("memory_is_in_use", &self.memory_is_in_use())
            .field("journal_lag", &self.journal_lag())
            .finish()
    }
}
