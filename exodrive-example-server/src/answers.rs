//! Where answers are kept.

use exodrive_cache::{
    CacheKey, Commit, Entry, Found, Invalidated, Invalidation, MemoryFill, MemoryStore, Opened,
    Opening, RedisFill, RedisStore, Release, Store, StoreError, Tag, TieredStore,
};
use exodrive_redis::RedisClient;

/// Where answers are kept.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answers {
    /// In this process, which is right where it is the only instance.
    Memory(MemoryStore),
    /// In Redis, for all instances, with a memory in front of it.
    Redis(TieredStore),
}

/// An answer on its way into the store that opened it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fill {
    /// Of this process.
    Memory(MemoryFill),
    /// Of all instances.
    Redis(Box<RedisFill>),
}

impl Answers {
    /// Keeps answers in Redis if there is a handle. The server need not be there: until it is, handlers answer.
    ///
    /// # Panics
    ///
    /// With a handle, outside of a tokio runtime.
    #[must_use]
    pub fn new(redis: Option<RedisClient>) -> Self {
        let memory = MemoryStore::default();
        match redis {
            Some(redis) => {
                let redis = RedisStore::new(redis).namespace("exodrive-cache");
                Self::Redis(TieredStore::new(memory, redis))
            }
            None => Self::Memory(memory),
        }
    }
}

/// A fill always comes back to the store that opened it; in any other one it would count as overtaken.
impl Store for Answers {
    type Fill = Fill;

    fn peek(&self, key: &CacheKey) -> Option<Found> {
        match self {
            Self::Memory(store) => store.peek(key),
            Self::Redis(store) => store.peek(key),
        }
    }

    async fn lookup(&self, key: &CacheKey, tags: &[Tag]) -> Result<Option<Found>, StoreError> {
        match self {
            Self::Memory(store) => store.lookup(key, tags).await,
            Self::Redis(store) => store.lookup(key, tags).await,
        }
    }

    async fn open(&self, opening: Opening<'_>) -> Result<Opened<Fill>, StoreError> {
        Ok(match self {
            Self::Memory(store) => store.open(opening).await?.map(Fill::Memory),
            Self::Redis(store) => store
                .open(opening)
                .await?
                .map(|fill| Fill::Redis(Box::new(fill))),
        })
    }

    async fn is_current(&self, fill: &Fill, tags: &[Tag]) -> Result<bool, StoreError> {
        match (self, fill) {
            (Self::Memory(store), Fill::Memory(fill)) => store.is_current(fill, tags).await,
            (Self::Redis(store), Fill::Redis(fill)) => store.is_current(fill, tags).await,
            _ => Ok(false),
        }
    }

    async fn commit(&self, fill: &Fill, entry: Entry) -> Result<Commit, StoreError> {
        match (self, fill) {
            (Self::Memory(store), Fill::Memory(fill)) => store.commit(fill, entry).await,
            (Self::Redis(store), Fill::Redis(fill)) => store.commit(fill, entry).await,
            _ => Ok(Commit::Overtaken),
        }
    }

    async fn release(&self, fill: &Fill, release: Release) {
        match (self, fill) {
            (Self::Memory(store), Fill::Memory(fill)) => store.release(fill, release).await,
            (Self::Redis(store), Fill::Redis(fill)) => store.release(fill, release).await,
            _ => {}
        }
    }

    async fn invalidate(&self, tags: &[Tag], how: Invalidation) -> Result<Invalidated, StoreError> {
        match self {
            Self::Memory(store) => store.invalidate(tags, how).await,
            Self::Redis(store) => store.invalidate(tags, how).await,
        }
    }
}
