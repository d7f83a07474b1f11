//! The store itself.

use std::future::poll_fn;
use std::task::Poll;

use exodrive_redis::{Error, ErrorKind, RedisClient};

use super::key::Keys;
use super::scripts::{self, Now};
use crate::store::{Charge, Settlement, Store, StoreError, Verdict};
#[cfg(feature = "testing")]
use crate::testing::{ManualClock, TestClock};
#[cfg(feature = "testing")]
use crate::time::micros;

const DEFAULT_NAMESPACE: &str = "rl";

/// Keeps usage in Redis, where all instances of a service share it.
///
/// A check is one call of one script, however many limits apply: nothing happens between measuring and charging, and
/// the time is the server's, so instances need not agree on it.
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
/// `+evalsha +script|load +get +set +del +time`.
#[derive(Clone, Debug)]
pub struct RedisStore {
    redis: RedisClient,
    keys: Keys,
    clock: Clock,
}

/// Whose time counts.
#[derive(Clone, Debug)]
enum Clock {
    Server,
    #[cfg(feature = "testing")]
    Manual(ManualClock),
}

impl RedisStore {
    /// A store on the server of this client.
    pub fn new(redis: RedisClient) -> Self {
        Self {
            redis,
            keys: Keys::new(DEFAULT_NAMESPACE),
            clock: Clock::Server,
        }
    }

    /// What all keys begin with, to keep services apart that share a server. Defaults to `rl`.
    #[must_use]
    pub fn namespace(mut self, namespace: impl AsRef<str>) -> Self {
        self.keys = Keys::new(namespace.as_ref());
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

impl Clock {
    fn now(&self) -> Now {
        match self {
            Self::Server => Now::new(),
            #[cfg(feature = "testing")]
            Self::Manual(clock) => micros(clock.now()).to_string(),
        }
    }
}

impl Store for RedisStore {
    async fn check(&self, charges: &[Charge<'_>]) -> Result<Verdict, StoreError> {
        let checked = scripts::check(&self.redis, &self.keys, charges, self.clock.now()).await;
        checked.map_err(|error| match error.kind() {
            // A stalled server executes what it was sent when it wakes.
            ErrorKind::Timeout => StoreError::too_late(error),
            _ => StoreError::new(error),
        })
    }

    /// Returns once the corrections are on their way, so that no response waits for the server.
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<(), StoreError> {
        let (store, now) = (self.clone(), self.clock.now());
        let mut settling = Box::pin(async move {
            let settled = scripts::settle(&store.redis, &store.keys, &settlements, now).await;
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
}

/// A lost correction keeps a charge that should have been smaller or larger; nobody is waiting to be told.
fn report_lost(error: &Error) {
    tracing::debug!(%error, "a rate limit's charge could not be corrected");
}
