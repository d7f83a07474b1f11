//! The handle that an application keeps: policies, events, invalidation.

use std::fmt;
use std::sync::Arc;

use crate::Tag;
use crate::accuracy::Accuracy;
use crate::builder::CacheBuilder;
use crate::error::{PublishError, PublishFailure, StoreError, UnknownPolicy};
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

    /// Invalidates every answer that is stored under any policy.
    ///
    /// # Errors
    ///
    /// If the store failed.
    pub async fn invalidate_all(&self, how: Invalidation) -> Result<Invalidated, StoreError> {
        let names = self.shared.policies.keys();
        let tags: Vec<_> = names.map(Tag::new).collect();
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
