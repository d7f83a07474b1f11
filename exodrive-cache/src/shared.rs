//! What a cache and its layers share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Tag;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::error::{StoreError, UnknownPolicy};
use crate::flight::{Basis, Flights};
use crate::hit_for_miss::HitForMiss;
use crate::registry::Registry;
use crate::route_policy::RoutePolicy;
use crate::store::{Invalidated, Invalidation, Opened, Opening, Store};

pub(crate) struct Shared<St: Store> {
    pub(crate) store: St,
    pub(crate) clock: Clock,
    pub(crate) chance: Chance,
    pub(crate) flights: Arc<Flights<St::Fill>>,
    pub(crate) hit_for_miss: HitForMiss,
    /// How many invalidations this process has made.
    pub(crate) invalidations: AtomicU64,
    pub(crate) policies: HashMap<Arc<str>, Arc<RoutePolicy>>,
    pub(crate) registry: Registry,
}

impl<St: Store> Shared<St> {
    pub(crate) fn policy(&self, name: &str) -> Result<&Arc<RoutePolicy>, UnknownPolicy> {
        let policy = self.policies.get(name);
        policy.ok_or_else(|| UnknownPolicy(name.into()))
    }

    pub(crate) async fn invalidate(
        &self,
        tags: &[Tag],
        how: Invalidation,
    ) -> Result<Invalidated, StoreError> {
        // Before the store has its turn: a fill that begins in between began after the change.
        self.invalidations.fetch_add(1, Ordering::AcqRel);
        let result = self.store.invalidate(tags, how).await;
        #[cfg(feature = "metrics")]
        crate::meters::invalidated(how, result.as_ref().ok().copied());
        result
    }

    /// Opens a fill, in the store or, if that fails, in this process alone.
    pub(crate) async fn open(&self, opening: Opening<'_>) -> Opened<Basis<St::Fill>> {
        let made = self.invalidations.load(Ordering::Acquire);
        match self.store.open(opening).await {
            Ok(Opened::Fill(fill)) => Opened::Fill(Basis::Store(fill)),
            Ok(Opened::Found(found)) => Opened::Found(found),
            Ok(Opened::Busy) => Opened::Busy,
            Err(_) => Opened::Fill(Basis::Process(made)),
        }
    }

    /// Returns whether nothing of `tags` was invalidated since a fill was opened.
    ///
    /// If the store failed, any invalidation counts, and those of other processes cannot be seen.
    pub(crate) async fn is_current(&self, basis: &Basis<St::Fill>, tags: &[Tag]) -> bool {
        match basis {
            Basis::Store(fill) => self.store.is_current(fill, tags).await.unwrap_or(false),
            Basis::Process(made) => *made == self.invalidations.load(Ordering::Acquire),
        }
    }
}
