//! The store itself.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use exodrive_redis::RedisClient;

use super::fill::RedisFill;
use super::journal::Journal;
use super::keys::Keys;
use super::record::Record;
use super::shared::{Settings, Shared};
use crate::error::StoreError;
use crate::store::ledger::Ledger;
use crate::store::{Commit, Found, Invalidated, Invalidation, Opened, Opening, Release, Store};
use crate::{CacheKey, Entry, Tag};

const DEFAULT_NAMESPACE: &str = "cache";
const DEFAULT_LEASE: Duration = Duration::from_secs(5);
/// How many tags the ledger tells apart before it forgets the ones that were invalidated longest ago.
const LEDGER_CAPACITY: usize = 1 << 16;

/// Keeps entries in Redis, where all instances of a service share them.
///
/// Once [`invalidate`](Store::invalidate) has returned [`Invalidated::Applied`], no instance finds an entry in Redis that was made
/// from older data, whatever happens to the keys. Each tag has a random version, an entry carries
/// those that its tags had before the handler was asked, and whoever reads the entry compares. An
/// evicted key, a server that lost its data or a write that arrives late can only make that comparison fail.
///
/// # Cost
///
/// A lookup is one round trip: the entry and the versions of its tags are asked for at once, an `HMGET` and a `GET` for each tag,
/// and no script. Which tags to ask for is remembered per key; an instance that finds an entry with
/// other tags than it expected asks once more. The body is not copied once it has arrived.
/// Opening a fill is one round trip, storing it two or, if the handler added tags, three. An
/// invalidation is one, however many entries it concerns. In a cluster it is one for each tag and two for the
/// journal.
///
/// # One fill for all instances
///
/// An instance that fills a key holds a lease on it, and others wait until the entry is there. A lease
/// that is not given back ends by itself, see [`lease`](Self::lease). It saves work and is no
/// promise: nothing is served that would not be served without.
///
/// # When Redis fails
///
/// Lookups and fills fail, and the handler answers. An invalidation returns
/// [`Invalidated::Deferred`] within the handle's deadline. What it names is hidden from this instance
/// at once, and it is sent again before anything else is read, and in the background. One that the server refuses, as a full one does, is sent
/// again every second; up to 16,384 can
/// wait, and one more is an error. They are lost with the process.
///
/// Another server process than the one before, be it restarted or promoted, may have older data, in which
/// the last invalidations are missing. So nothing is read from it that was written for the other:
/// the cache is cold, and clients of one Redis find out by its run id. The servers of a
/// cluster are not told apart: a failover there can lose the invalidations that had not been replicated.
///
/// # Server
///
/// Redis 7.0 or later, or Valkey. Besides what the handle needs, its user may call, for keys that begin with the namespace,
/// `+del +evalsha +get +hdel +hkeys +hlen +hmget +hset +info +pexpire +script|load +set +setrange +xadd +xrange +xrevrange`,
/// and under a policy with a [replica lag](crate::CachePolicy::replica_lag) `+time`.
/// No command and no script touches two keys. Any eviction policy is sound; least recently used is best.
#[derive(Clone, Debug)]
pub struct RedisStore {
    shared: Arc<Shared>,
}

impl RedisStore {
    /// Makes a store on the server of this client. Its deadline bounds every call.
    #[must_use]
    pub fn new(redis: RedisClient) -> Self {
        let ledger = Arc::new(Ledger::new(LEDGER_CAPACITY));
        let settings = Settings {
            keys: Keys::new(DEFAULT_NAMESPACE),
            lease: DEFAULT_LEASE,
            pack_from: None,
        };
        Self::of(redis, settings, ledger)
    }

    /// What all keys begin with, to keep services apart that share a server. Defaults to `cache`.
    #[must_use]
    pub fn namespace(self, namespace: impl AsRef<str>) -> Self {
        let keys = Keys::new(namespace.as_ref());
        self.with(|settings| settings.keys = keys)
    }

    /// For how long an instance that fills a key keeps the others waiting, if it does not end the fill. Zero lets every
    /// instance fill for itself. Defaults to 5 s.
    ///
    /// It should be longer than handlers usually take.
    #[must_use]
    pub fn lease(self, lease: Duration) -> Self {
        self.with(|settings| settings.lease = lease)
    }

    /// Packs bodies of at least this many bytes with LZ4, unless they are encoded already or it makes them no shorter. Defaults to
    /// none.
    ///
    /// An instance without the feature `lz4` reads what is packed as a miss. A memory in front keeps bodies as they are.
    #[cfg(feature = "lz4")]
    #[cfg_attr(docsrs, doc(cfg(feature = "lz4")))]
    #[must_use]
    pub fn compress_from(self, bytes: usize) -> Self {
        self.with(|settings| settings.pack_from = Some(bytes))
    }

    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.shared.settings();
        change(&mut settings);
        Self::of(self.redis().clone(), settings, self.shared.ledger.clone())
    }

    /// Takes part in the invalidations of a memory in front of it.
    pub(in crate::store) fn behind(self, ledger: &Arc<Ledger>) -> Self {
        let settings = self.shared.settings();
        Self::of(self.redis().clone(), settings, ledger.clone())
    }

    /// Begins to read the journal into the ledger.
    pub(in crate::store) fn read_journal(&self) -> Journal {
        Journal::start(self.shared.clone())
    }

    fn of(redis: RedisClient, settings: Settings, ledger: Arc<Ledger>) -> Self {
        Self {
            shared: Arc::new(Shared::new(redis, settings, ledger)),
        }
    }

    /// Returns the client.
    #[must_use]
    pub fn redis(&self) -> &RedisClient {
        self.shared.redis()
    }
}

impl Store for RedisStore {
    type Fill = RedisFill;

    async fn lookup(&self, key: &CacheKey, tags: &[Tag]) -> Result<Option<Found>, StoreError> {
        self.shared.lookup(key, tags).await.map_err(StoreError::new)
    }

    async fn open(&self, opening: Opening<'_>) -> Result<Opened<RedisFill>, StoreError> {
        self.shared.open(opening).await.map_err(StoreError::new)
    }

    async fn is_current(&self, fill: &RedisFill, tags: &[Tag]) -> Result<bool, StoreError> {
        Ok(self.shared.is_current(fill, tags).await)
    }

    async fn commit(&self, fill: &RedisFill, entry: Entry) -> Result<Commit, StoreError> {
        let committed = self.shared.commit(fill, &entry).await;
        committed.map_err(StoreError::new)
    }

    fn release(&self, fill: &RedisFill, release: Release) -> impl Future<Output = ()> + Send {
        self.shared.release(fill, release)
    }

    async fn invalidate(&self, tags: &[Tag], how: Invalidation) -> Result<Invalidated, StoreError> {
        let shared = self.shared.clone();
        let record = Record {
            how,
            tags: tags.to_vec(),
        };
        // On a task of its own: a caller that leaves must not leave it half done.
        let task = tokio::spawn(async move { shared.invalidate(record).await });
        match task.await.map_err(StoreError::new)? {
            Some(Ok(())) => Ok(Invalidated::Applied),
            Some(Err(error)) => {
                tracing::debug!(%error, "an invalidation waits for Redis");
                Ok(Invalidated::Deferred)
            }
            None => Err(StoreError::new("too many invalidations wait for Redis")),
        }
    }
}
