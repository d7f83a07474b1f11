//! What all clones of a store and its background task share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use exodrive_redis::{Command, Error, ErrorKind, RedisClient};
use quick_cache::sync::Cache as Map;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::deferred::Deferred;
use super::keys::Keys;
use super::link::{Link, Server};
use super::record::Record;
use super::shape::Shape;
use crate::store::ledger::Ledger;

/// How long a tag is remembered at least after a fill that carries it.
pub(super) const TAG_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// How many records are kept in the journal, at least.
const JOURNAL_LENGTH: u64 = 100_000;
/// Shapes that are remembered.
const SHAPES: usize = 1 << 16;

/// What all clones of a store share. What it does is in the files named for it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) link: Link,
    /// The name of this instance in the journal.
    pub(super) instance: u64,
    /// What its records are dated by.
    origin: Instant,
    pub(super) keys: Keys,
    pub(super) lease: Duration,
    /// How many bytes a body has at least that is packed.
    pub(super) pack_from: Option<usize>,
    /// What this instance has invalidated, and what it has read in the journal if it reads that.
    pub(super) ledger: Arc<Ledger>,
    pub(super) shapes: Map<u128, Shape>,
    pub(super) deferred: Deferred,
    /// Held while what has failed is sent again for somebody who wants to read.
    pub(super) repeating: Mutex<()>,
    /// Whether the server refused it, as one that is full does.
    pub(super) refused: AtomicBool,
    /// Whether a task sends it again.
    pub(super) repeats: AtomicBool,
}

/// What a store is made with.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) keys: Keys,
    pub(super) lease: Duration,
    pub(super) pack_from: Option<usize>,
}

impl Shared {
    pub(super) fn new(redis: RedisClient, settings: Settings, ledger: Arc<Ledger>) -> Self {
        let Settings {
            keys,
            lease,
            pack_from,
        } = settings;
        Self {
            link: Link::new(redis),
            instance: fastrand::u64(..),
            origin: Instant::now(),
            keys,
            lease,
            pack_from,
            ledger,
            shapes: Map::new(SHAPES),
            deferred: Deferred::default(),
            repeating: Mutex::new(()),
            refused: AtomicBool::new(false),
            repeats: AtomicBool::new(false),
        }
    }

    /// Returns how long this instance has been there.
    pub(super) fn age(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Adds a record to the journal, in the name of this instance.
    pub(super) fn append(&self, record: &Record) -> Command {
        record.append(
            &self.keys.journal(),
            JOURNAL_LENGTH,
            self.instance,
            self.age(),
        )
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            keys: self.keys.clone(),
            lease: self.lease,
            pack_from: self.pack_from,
        }
    }

    pub(super) fn redis(&self) -> &RedisClient {
        self.link.redis()
    }

    /// Returns the server once everything has been sent to it that had failed.
    pub(super) async fn server(&self) -> Result<Server, Error> {
        let server = self.link.server(&self.keys).await?;
        // What the server refuses stays hidden here, and is sent again by the clock; reading need not wait for it.
        if self.deferred.any_failed() && !self.refused.load(Ordering::Acquire) {
            let Ok(_repeating) = self.repeating.try_lock() else {
                return Err(Error::unexpected("what was sent before"));
            };
            match self.repeat().await {
                Err(error) if error.kind() != ErrorKind::Refused => return Err(error),
                // There is more of it, for which this caller does not wait.
                Ok(()) if self.deferred.any_failed() => {
                    return Err(Error::unexpected("what was sent before"));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(server)
    }
}

pub(super) fn expire(key: &str, ttl: Duration, condition: &'static str) -> Command {
    let expire = Command::new("PEXPIRE").arg(key);
    expire.arg(millis(ttl)).arg(condition)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
