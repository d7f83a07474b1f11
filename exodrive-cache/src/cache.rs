//! The handle that an application keeps: policies, events, invalidation.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Tag;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::error::{BuildError, Mistake, PublishError, PublishFailure, StoreError, UnknownPolicy};
use crate::flight::{Basis, Flights};
use crate::hit_for_miss::HitForMiss;
use crate::layer::CacheLayer;
use crate::limits::Limits;
use crate::policy::CachePolicy;
use crate::registry::{Event, Registry};
use crate::route_policy::RoutePolicy;
use crate::store::{Invalidated, Invalidation, Opened, Opening, Store};

/// A cache: policies for routes, and rules that say which event makes which answers outdated.
///
/// Clones share everything. See the [crate's documentation](crate) for an example.
pub struct Cache<St: Store> {
    pub(crate) shared: Arc<Shared<St>>,
}

/// Configures a [`Cache`].
#[must_use]
pub struct CacheBuilder<St> {
    store: St,
    clock: Clock,
    policies: Vec<(Box<str>, CachePolicy)>,
    chance: Chance,
    registry: Registry,
}

pub(crate) struct Shared<St: Store> {
    pub(crate) store: St,
    pub(crate) clock: Clock,
    pub(crate) chance: Chance,
    pub(crate) flights: Arc<Flights<St::Fill>>,
    pub(crate) hit_for_miss: HitForMiss,
    /// How many invalidations this process has made.
    invalidations: AtomicU64,
    policies: HashMap<Arc<str>, Arc<RoutePolicy>>,
    registry: Registry,
}

// === impl Cache ===

impl<St: Store> Cache<St> {
    /// Starts to configure a cache on `store`.
    pub fn builder(store: St) -> CacheBuilder<St> {
        CacheBuilder {
            store,
            clock: Clock::start(),
            policies: Vec::new(),
            chance: Chance::default(),
            registry: Registry::default(),
        }
    }

    /// Makes the layer that caches a route under the policy named `policy`.
    ///
    /// # Errors
    ///
    /// If there is no such policy.
    pub fn layer(&self, policy: &str) -> Result<CacheLayer<St>, UnknownPolicy> {
        match self.shared.policies.get(policy) {
            Some(policy) => Ok(CacheLayer::new(self.shared.clone(), policy.clone())),
            None => Err(UnknownPolicy(policy.into())),
        }
    }

    /// Removes every answer that `event` made outdated, and returns how many tags that were.
    ///
    /// Call it after the change is committed. Once it has returned, no request is answered with
    /// anything that was made from older data.
    ///
    /// # Errors
    ///
    /// If no rule names the event, or if the store failed.
    pub async fn publish<E: Event>(&self, event: &E) -> Result<usize, PublishError> {
        let tags = self
            .shared
            .registry
            .tags(event)
            .ok_or(PublishFailure::Unregistered(E::NAME))?;
        self.invalidate(&tags, Invalidation::Hard)
            .await
            .map_err(|error| PublishFailure::Store(E::NAME, error))?;
        tracing::debug!(event = E::NAME, tags = tags.len(), "invalidated");
        Ok(tags.len())
    }

    /// Invalidates every answer that carries one of `tags`; the name of a policy is a tag, too.
    ///
    /// # Errors
    ///
    /// If the store failed.
    pub async fn invalidate(
        &self,
        tags: &[Tag],
        how: Invalidation,
    ) -> Result<Invalidated, StoreError> {
        self.shared.invalidate(tags, how).await
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &St {
        &self.shared.store
    }
}

impl<St: Store> Shared<St> {
    pub(crate) async fn invalidate(
        &self,
        tags: &[Tag],
        how: Invalidation,
    ) -> Result<Invalidated, StoreError> {
        // Before the store has its turn: a fill that begins in between began after the change.
        self.invalidations.fetch_add(1, Ordering::AcqRel);
        self.store.invalidate(tags, how).await
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

impl<St: Store> Clone for Cache<St> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<St: Store + fmt::Debug> fmt::Debug for Cache<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("store", &self.shared.store)
            .field("policies", &self.shared.policies.keys())
            .field("events", &self.shared.registry)
            .finish()
    }
}

// === impl CacheBuilder ===

impl<St: Store> CacheBuilder<St> {
    /// Adds a policy. Its name is the tag of everything that is stored under it.
    pub fn policy(mut self, name: &str, policy: CachePolicy) -> Self {
        self.policies.push((name.into(), policy));
        self
    }

    /// Adds a rule: which tags an event makes outdated. Several rules for one event add up.
    pub fn on<E: Event, T: IntoIterator<Item = Tag>>(
        mut self,
        tags: impl Fn(&E) -> T + Send + Sync + 'static,
    ) -> Self {
        self.registry.on(tags);
        self
    }

    /// Sets where chance comes from, for tests that want to know what happens: `source` returns numbers
    /// from 0 up to but not including 1. Defaults to a generator of each thread's own.
    pub fn chance(mut self, source: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.chance = Chance::from(source);
        self
    }

    /// Takes the time from a clock that a test moves. Defaults to the present time.
    #[cfg(feature = "testing")]
    #[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
    pub fn clock(mut self, clock: &crate::testing::ManualClock) -> Self {
        self.clock = Clock::Manual(clock.clone());
        self
    }

    /// Makes the cache.
    ///
    /// # Errors
    ///
    /// If a policy is named twice, lives for no time, gives the handler no time or no calls, refreshes early by what is no
    /// number from 0 up, has a tag with a parameter that its route lacks
    /// or keys something that is no header name, or if two events share a name. The error names every
    /// mistake.
    pub fn build(self) -> Result<Cache<St>, BuildError> {
        let mut mistakes = Vec::new();
        if let Some(name) = self.registry.duplicate() {
            mistakes.push(Mistake::DuplicateEvent(name));
        }
        let mut policies = HashMap::new();
        for (name, policy) in self.policies {
            let headers = policy.check(&name, &mut mistakes);
            let name: Arc<str> = name.into();
            let policy = RoutePolicy {
                name: name.clone(),
                limits: Limits::of(&policy),
                policy,
                headers,
            };
            if policies.insert(name.clone(), Arc::new(policy)).is_some() {
                mistakes.push(Mistake::DuplicatePolicy((*name).into()));
            }
        }
        BuildError::check(mistakes)?;
        let shared = Shared {
            store: self.store,
            clock: self.clock,
            chance: self.chance,
            flights: Arc::new(Flights::new()),
            hit_for_miss: HitForMiss::new(),
            invalidations: AtomicU64::new(0),
            policies,
            registry: self.registry,
        };
        Ok(Cache {
            shared: Arc::new(shared),
        })
    }
}

impl<St: fmt::Debug> fmt::Debug for CacheBuilder<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("store", &self.store)
            .field("policies", &self.policies)
            .field("events", &self.registry)
            .finish()
    }
}
