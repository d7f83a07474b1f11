//! Where a cache is configured.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::error::{BuildError, Mistake};
use crate::flight::Flights;
use crate::hit_for_miss::HitForMiss;
#[cfg(feature = "objects")]
use crate::objects::ObjectPolicies;
use crate::policy::CachePolicy;
use crate::registry::{Event, Registry};
use crate::route_policy::RoutePolicy;
use crate::shared::Shared;
use crate::store::{Invalidation, Store};
use crate::{Cache, Tag};

/// Configures a [`Cache`].
#[must_use]
pub struct CacheBuilder<St> {
    store: St,
    clock: Clock,
    policies: Vec<(Box<str>, CachePolicy)>,
    chance: Chance,
    registry: Registry,
    #[cfg(feature = "objects")]
    objects: ObjectPolicies,
    mistakes: Vec<Mistake>,
}

// === impl CacheBuilder ===

impl<St: Store> CacheBuilder<St> {
    pub(crate) fn new(store: St) -> Self {
        Self {
            store,
            clock: Clock::start(),
            policies: Vec::new(),
            chance: Chance::default(),
            registry: Registry::default(),
            #[cfg(feature = "objects")]
            objects: ObjectPolicies::default(),
            mistakes: Vec::new(),
        }
    }

    /// Adds a policy. Its name is the tag of everything that is stored under it.
    pub fn policy(mut self, name: &str, policy: CachePolicy) -> Self {
        self.policies.push((name.into(), policy));
        self
    }

    /// Adds a policy for objects of type `T`. Its name is the tag of all of them, and no policy's for answers.
    #[cfg(feature = "objects")]
    #[cfg_attr(docsrs, doc(cfg(feature = "objects")))]
    pub fn objects<T: crate::Object>(mut self, name: &str, policy: crate::ObjectPolicy<T>) -> Self {
        self.objects.add(name, policy, &mut self.mistakes);
        self
    }

    /// Adds a rule: which tags an event makes outdated. Several rules for one event add up.
    pub fn on<E: Event, T: IntoIterator<Item = Tag>>(
        mut self,
        tags: impl Fn(&E) -> T + Send + Sync + 'static,
    ) -> Self {
        self.registry.on(Invalidation::Hard, tags);
        self
    }

    /// Adds a rule like [`on`](Self::on) for answers that may be served stale where their policy allows it, while they are
    /// replaced or when that fails.
    pub fn on_soft<E: Event, T: IntoIterator<Item = Tag>>(
        mut self,
        tags: impl Fn(&E) -> T + Send + Sync + 'static,
    ) -> Self {
        self.registry.on(Invalidation::Soft, tags);
        self
    }

    /// Adds a rule for events that come as data, such as from a queue: templates of the tags that one makes outdated, with
    /// the event's fields in braces, such as `car:{id}` or `shop:{car.shop}`. Several rules for one name add up.
    #[cfg(feature = "json")]
    #[cfg_attr(docsrs, doc(cfg(feature = "json")))]
    pub fn on_json<'a>(mut self, name: &str, tags: impl IntoIterator<Item = &'a str>) -> Self {
        self.registry.on_named(name, tags);
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
        let mut mistakes = self.mistakes;
        if let Some(name) = self.registry.duplicate() {
            mistakes.push(Mistake::DuplicateEvent(name.into()));
        }
        let mut policies = HashMap::new();
        for (name, policy) in self.policies {
            let policy = RoutePolicy::new(&name, policy, &mut mistakes);
            let name = policy.name.clone();
            if policies.insert(name.clone(), Arc::new(policy)).is_some() {
                mistakes.push(Mistake::DuplicatePolicy((*name).into()));
            }
        }
        #[cfg(feature = "objects")]
        for name in self.objects.names() {
            if policies.contains_key(name) {
                mistakes.push(Mistake::DuplicatePolicy((**name).into()));
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
            #[cfg(feature = "objects")]
            objects: self.objects,
            #[cfg(feature = "objects")]
            loads: Arc::new(Flights::new()),
        };
        Ok(Cache::of(Arc::new(shared)))
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
