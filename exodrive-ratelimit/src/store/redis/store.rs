//! The store itself.

use std::future::poll_fn;
use std::task::Poll;

use exodrive_redis::{Command, Error, RedisClient};

use super::clock::Clock;
use super::groups;
use super::key::Keys;
use super::ledger::RedisLedger;
use super::scripts::{self, Ask};
use crate::store::{Charge, Ledger, Settlement, Store, StoreError, Verdict};
#[cfg(feature = "testing")]
use crate::testing::ManualClock;

const DEFAULT_NAMESPACE: &str = "rl";

/// Keeps usage in Redis, where all instances of a service share it.
///
/// A check is one call of one script, however many limits apply: nothing happens between measuring and charging, and
/// the time is the server's, so instances need not agree on it. The same call says whether operators have ordered
/// anything new.
/// It decides exactly what [`MemoryStore`](crate::MemoryStore) decides at the same times.
///
/// A key holds 32 bytes for a rate and 64 for a window. It is written when something is charged, never by a refusal,
/// and expires when nothing counts any more, so there is nothing to clean up and no key without an end.
///
/// Keys name subjects legibly, except that a digest stands for API keys and for long ids.
///
/// How long a check may take is set by the client: see its
/// [`deadline`](exodrive_redis::RedisClientBuilder::deadline). A failed call is not repeated.
/// The server must be one Redis 7.0 or later, or Valkey, and the user may call
/// `+evalsha +script|load +get +set +del +time`, and for orders and events `+hdel +hexists +hgetall +hlen +hset +xadd
/// +xrange +xrevrange +zadd +zrangebyscore +zrem`.
#[derive(Clone, Debug)]
pub struct RedisStore {
    redis: RedisClient,
    keys: Keys,
    /// The key of the version of the orders.
    version: String,
    in_cluster: bool,
    clock: Clock,
}

impl RedisStore {
    /// A store on the server of this client.
    pub fn new(redis: RedisClient) -> Self {
        let store = Self {
            redis,
            keys: Keys::new(DEFAULT_NAMESPACE),
            version: String::new(),
            in_cluster: false,
            clock: Clock::Server,
        };
        store.namespace(DEFAULT_NAMESPACE)
    }

    /// What all keys begin with, to keep services apart that share a server. Defaults to `rl`.
    #[must_use]
    pub fn namespace(mut self, namespace: impl AsRef<str>) -> Self {
        self.keys = Keys::new(namespace.as_ref());
        self.version = self.keys.of_control("version");
        self
    }

    /// Keeps every call within one slot, as Redis Cluster demands.
    ///
    /// Limits of one subject are still decided together in one call. Where a request has several subjects, such as an
    /// address and a user, theirs are decided one subject after the other, the most restrictive first, and a refusal by
    /// a later one gives back what the earlier ones were charged.
    #[must_use]
    pub const fn in_cluster(mut self) -> Self {
        self.in_cluster = true;
        self
    }

    /// Tells the time by a clock that tests move, in place of the server's.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn clocked_by(mut self, clock: ManualClock) -> Self {
        self.clock = Clock::Manual(clock);
        self
    }
}

impl RedisStore {
    /// Decides charges that may be in one call, or only measures them.
    pub(super) async fn decide(
        &self,
        charges: &[Charge<'_>],
        measure: bool,
    ) -> Result<Verdict, Error> {
        let version = (!self.in_cluster).then_some(self.version.as_str());
        let ask = Ask { measure, version };
        scripts::check(&self.redis, &self.keys, charges, self.clock.now(), ask).await
    }

    /// The version of the orders.
    pub(super) async fn version(&self) -> Result<u64, Error> {
        let version: Option<String> = self
            .redis
            .query(&Command::new("GET").arg(&self.version))
            .await?;
        let number = version.map_or(Ok(0), |version| version.parse());
        number.map_err(|_| Error::unexpected("a version"))
    }

    /// Sends corrections on their way, so that nobody waits for the server. A lost one is only reported.
    pub(super) async fn send(&self, settlements: Vec<Settlement>) {
        drop(self.settle(settlements).await);
    }

    async fn correct(&self, settlements: &[Settlement], now: String) -> Result<(), Error> {
        if !self.in_cluster {
            return scripts::settle(&self.redis, &self.keys, settlements.iter(), now).await;
        }
        for group in groups::by_subject(settlements.iter().map(Settlement::subject)) {
            let group = group.iter().map(|&place| &settlements[place]);
            scripts::settle(&self.redis, &self.keys, group, now.clone()).await?;
        }
        Ok(())
    }
}

impl Store for RedisStore {
    async fn check(&self, charges: &[Charge<'_>]) -> Result<Verdict, StoreError> {
        let checked = if self.in_cluster {
            groups::check(self, charges).await
        } else {
            self.decide(charges, false).await
        };
        checked.map_err(|error| {
            // A stalled server executes what it was sent when it wakes, and one whose reply was lost has executed it.
            if error.may_have_executed() {
                StoreError::too_late(error)
            } else {
                StoreError::new(error)
            }
        })
    }

    /// Returns once the corrections are on their way, so that no response waits for the server.
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<(), StoreError> {
        let (store, now) = (self.clone(), self.clock.now());
        let mut settling = Box::pin(async move {
            let settled = store.correct(&settlements, now).await;
            settled.inspect_err(report_lost)
        });
        // The first poll sends; what is left is to hear how it went.
        let sent = poll_fn(|context| Poll::Ready(settling.as_mut().poll(context))).await;
        match sent {
            Poll::Ready(settled) => settled.map_err(StoreError::new),
            Poll::Pending => {
                tokio::spawn(settling);
                Ok(())
            }
        }
    }

    async fn reset(&self, charges: &[Charge<'_>]) -> Result<(), StoreError> {
        for charge in charges {
            let key = self
                .keys
                .of(charge.rule(), charge.limit(), charge.subject());
            let deleted = self.redis.query::<()>(&Command::new("DEL").arg(key)).await;
            deleted.map_err(StoreError::new)?;
        }
        Ok(())
    }

    fn ledger(&self) -> Ledger {
        let ledger = RedisLedger::new(self.redis.clone(), &self.keys, self.clock.clone());
        Ledger::in_redis(ledger)
    }
}

/// A lost correction keeps a charge that should have been smaller or larger; nobody is waiting to be told.
fn report_lost(error: &Error) {
    tracing::debug!(%error, "a rate limit's charge could not be corrected");
}
