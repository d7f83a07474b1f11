//! What a cache and its layers share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::chance::Chance;
use crate::clock::Clock;
use crate::error::{StoreError, UnknownPolicy};
use crate::flight::{Basis, Flights, Lead};
use crate::hit_for_miss::HitForMiss;
#[cfg(feature = "objects")]
use crate::objects::{Loaded, ObjectPolicies};
use crate::registry::Registry;
use crate::route_policy::RoutePolicy;
use crate::store::{Commit, Invalidated, Invalidation, Opened, Opening, Store};
use crate::{Entry, Tag};

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
    #[cfg(feature = "objects")]
    pub(crate) objects: ObjectPolicies,
    #[cfg(feature = "objects")]
    pub(crate) loads: Arc<Flights<St::Fill, Loaded>>,
}

impl<St: Store> Shared<St> {
    pub(crate) fn policy(&self, name: &str) -> Result<&Arc<RoutePolicy>, UnknownPolicy> {
        let policy = self.policies.get(name);
        policy.ok_or_else(|| UnknownPolicy(name.into()))
    }

    /// Returns the names of all policies.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        let names = self.policies.keys();
        #[cfg(feature = "objects")]
        let names = names.chain(self.objects.names());
        names
    }

    /// Returns how many fills others can join.
    #[cfg(feature = "testing")]
    pub(crate) fn fills_under_way(&self) -> usize {
        #[cfg(feature = "objects")]
        let loads = self.loads.under_way();
        #[cfg(not(feature = "objects"))]
        let loads = 0;
        self.flights.under_way() + loads
    }

    /// Waits until the fills have ended that others can join now.
    #[cfg(feature = "testing")]
    pub(crate) async fn fills_ended(&self) {
        self.flights.ended().await;
        #[cfg(feature = "objects")]
        self.loads.ended().await;
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

    /// Ends a fill, if the store could open one, by storing its entry, and returns whether it is stored.
    pub(crate) async fn commit<A: Clone>(
        &self,
        policy: &str,
        lead: &Lead<St::Fill, A>,
        entry: Entry,
    ) -> bool {
        let Some(fill) = lead.fill() else {
            return false;
        };
        match self.store.commit(fill, entry).await {
            Ok(Commit::Stored) => return true,
            Ok(commit) => tracing::debug!(policy, ?commit, "an entry was not stored"),
            Err(error) => tracing::debug!(policy, %error, "an entry was not stored"),
        }
        false
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
