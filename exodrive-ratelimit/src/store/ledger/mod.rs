//! Where orders are kept, so that everybody who shares a store obeys the same ones.

mod local;

use std::time::Duration;

use self::local::Local;
use super::StoreError;
#[cfg(feature = "redis")]
use super::redis::RedisLedger;
use crate::control::{Changes, Event, Note, Order};

/// How many orders are kept at most.
pub(super) const MOST_ENTRIES: usize = 10_000;

/// How many events are kept at least, before the oldest are forgotten.
pub(super) const EVENTS: usize = 10_000;

/// Where a store keeps what is ordered through [`Control`](crate::Control), and the events.
///
/// Clones are the same ledger. Limiters on one store share its ledger, and so an order given through one of them.
/// It holds at most 10,000 orders and about 10,000 events.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Local(Local),
    #[cfg(feature = "redis")]
    Redis(RedisLedger),
}

impl Default for Kind {
    fn default() -> Self {
        Self::Local(Local::default())
    }
}

impl Ledger {
    /// A ledger in this process's memory.
    pub fn local() -> Self {
        Self::default()
    }

    #[cfg(feature = "redis")]
    pub(super) const fn in_redis(ledger: RedisLedger) -> Self {
        Self(Kind::Redis(ledger))
    }

    /// Microseconds since 1970, by the ledger's clock.
    pub(crate) fn now(&self) -> u64 {
        match &self.0 {
            Kind::Local(local) => local.now(),
            #[cfg(feature = "redis")]
            Kind::Redis(redis) => redis.now(),
        }
    }

    /// Whether others may give orders that this process hears of only when it asks.
    pub(crate) const fn is_elsewhere(&self) -> bool {
        !matches!(self.0, Kind::Local(_))
    }

    /// The version of what is ordered, if the ledger can tell without waiting.
    #[inline]
    pub(crate) fn version_now(&self) -> Option<u64> {
        match &self.0 {
            Kind::Local(local) => Some(local.version()),
            #[cfg(feature = "redis")]
            Kind::Redis(_) => None,
        }
    }

    /// What has changed since a version, if the ledger can tell without waiting.
    pub(crate) fn changes_now(&self, known: u64) -> Option<Changes> {
        match &self.0 {
            Kind::Local(local) => local.changes_since(known),
            #[cfg(feature = "redis")]
            Kind::Redis(_) => None,
        }
    }

    /// What has changed since a version; `None` if nothing has.
    pub(crate) async fn changes_since(&self, known: u64) -> Result<Option<Changes>, StoreError> {
        match &self.0 {
            Kind::Local(local) => Ok(local.changes_since(known)),
            #[cfg(feature = "redis")]
            Kind::Redis(redis) => redis.changes_since(known).await,
        }
    }

    /// Puts an order in force, in the place of an earlier one about the same.
    pub(crate) async fn order(
        &self,
        order: Order,
        lasting: Option<Duration>,
        reason: &str,
        actor: &str,
    ) -> Result<(), StoreError> {
        match &self.0 {
            Kind::Local(local) => local.order(order, lasting, reason, actor),
            #[cfg(feature = "redis")]
            Kind::Redis(redis) => redis.order(order, lasting, reason, actor).await,
        }
    }

    /// Ends an order, and counts as a change even if there was none.
    pub(crate) async fn lift(&self, id: &str) -> Result<(), StoreError> {
        match &self.0 {
            Kind::Local(local) => {
                local.lift(id);
                Ok(())
            }
            #[cfg(feature = "redis")]
            Kind::Redis(redis) => redis.lift(id).await,
        }
    }

    pub(crate) async fn record(&self, note: Note) -> Result<(), StoreError> {
        match &self.0 {
            Kind::Local(local) => {
                local.record(note);
                Ok(())
            }
            #[cfg(feature = "redis")]
            Kind::Redis(redis) => redis.record(&note).await,
        }
    }

    /// The latest events, newest first.
    pub(crate) async fn events(&self, most: usize) -> Result<Vec<Event>, StoreError> {
        match &self.0 {
            Kind::Local(local) => Ok(local.events(most)),
            #[cfg(feature = "redis")]
            Kind::Redis(redis) => redis.events(most).await,
        }
    }
}
