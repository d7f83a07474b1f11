//! The handle that an application keeps: policies, events, invalidation.

use std::fmt;
use std::sync::Arc;

use crate::Tag;
use crate::accuracy::Accuracy;
use crate::builder::CacheBuilder;
use crate::error::{PublishError, StoreError, UnknownPolicy};
use crate::events::{Events, Published};
use crate::layer::CacheLayer;
use crate::mode::Mode;
use crate::registry::Event;
use crate::shared::Shared;
use crate::store::{Invalidated, Invalidation, Store};

/// A cache: policies for routes, and rules that say which event makes which answers outdated.
///
/// Clones share everything. See the [crate's documentation](crate) for an example.
pub struct Cache<St: Store> {
    pub(crate) shared: Arc<Shared<St>>,
}

// === impl Cache ===

impl<St: Store> Cache<St> {
    /// Starts to configure a cache on `store`.
    pub fn builder(store: St) -> CacheBuilder<St> {
        CacheBuilder::new(store)
    }

    pub(crate) fn of(shared: Arc<Shared<St>>) -> Self {
        Self { shared }
    }

    /// Makes the layer that caches a route under the policy named `policy`.
    ///
    /// # Errors
    ///
    /// If there is no such policy.
    pub fn layer(&self, policy: &str) -> Result<CacheLayer<St>, UnknownPolicy> {
        let policy = self.shared.policy(policy)?.clone();
        Ok(CacheLayer::new(self.shared.clone(), policy))
    }

    /// Puts the policy named `policy` in force, or out of it, for every request from now on.
    ///
    /// Each process has a mode of its own.
    ///
    /// # Errors
    ///
    /// If there is no such policy.
    pub fn set_mode(&self, policy: &str, mode: Mode) -> Result<(), UnknownPolicy> {
        self.shared.policy(policy)?.mode.set(mode);
        tracing::info!(policy, %mode, "mode set");
        Ok(())
    }

    /// Returns how far the policy named `policy` is in force.
    ///
    /// # Errors
    ///
    /// If there is no such policy.
    pub fn mode(&self, policy: &str) -> Result<Mode, UnknownPolicy> {
        Ok(self.shared.policy(policy)?.mode.current())
    }

    /// Returns how the handler's answers compared with what the policy named `policy` would have served while it was in
    /// [`Mode::Shadow`].
    ///
    /// # Errors
    ///
    /// If there is no such policy.
    pub fn accuracy(&self, policy: &str) -> Result<Accuracy, UnknownPolicy> {
        Ok(self.shared.policy(policy)?.comparisons.so_far())
    }

    /// Returns the names of the policies, in order.
    #[must_use]
    pub fn policies(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.shared.policies.keys().map(|name| &**name).collect();
        names.sort_unstable();
        names
    }

    /// Removes everything that `event` made outdated.
    ///
    /// Call it after the change is committed. Once it has returned, no request is answered with
    /// anything that was made from older data. Several events of one transaction are published together with
    /// [`events`](Self::events).
    ///
    /// # Errors
    ///
    /// If no rule names the event, or if the store failed. A store in Redis that cannot be reached is no error, but
    /// [`Published::deferred`] says so.
    pub async fn publish<E: Event>(&self, event: &E) -> Result<Published, PublishError> {
        let mut events = self.events();
        events.add(event)?;
        events.publish().await
    }

    /// Like [`publish`](Self::publish), for an event that comes as data: `name` has rules from
    /// [`CacheBuilder::on_json`], and `event` has the fields that they name. A field may be a text, a number or a
    /// truth value.
    ///
    /// # Errors
    ///
    /// If no rule names the event, if it lacks a field, in which case nothing is invalidated, or if the store failed.
    #[cfg(feature = "json")]
    #[cfg_attr(docsrs, doc(cfg(feature = "json")))]
    pub async fn publish_json(
        &self,
        name: &str,
        event: &serde_json::Value,
    ) -> Result<Published, PublishError> {
        let mut events = self.events();
        events.add_json(name, event)?;
        events.publish().await
    }

    /// Begins to collect the events of a transaction, to be published once it is committed.
    pub fn events(&self) -> Events<St> {
        Events::new(self.shared.clone())
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

    /// Invalidates everything that is stored under any policy.
    ///
    /// # Errors
    ///
    /// If the store failed.
    pub async fn invalidate_all(&self, how: Invalidation) -> Result<Invalidated, StoreError> {
        let tags: Vec<_> = self.shared.names().map(Tag::new).collect();
        self.invalidate(&tags, how).await
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &St {
        &self.shared.store
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
