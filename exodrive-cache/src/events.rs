//! Events that are published together, once what they tell of is committed.

use std::fmt;
use std::sync::Arc;

use crate::Tag;
use crate::error::{PublishError, PublishFailure, StoreError};
use crate::registry::{Event, Outdated};
use crate::shared::Shared;
use crate::store::{Invalidated, Invalidation, Store};

/// Events of one transaction, which are published once it is committed. Made by [`Cache::events`](crate::Cache::events).
///
/// Dropped without [`publish`](Self::publish), as when the transaction is rolled back, they invalidate nothing.
///
/// Between the commit and the end of `publish` the change is made and answers may still be from before it. A process that dies
/// there leaves them until their time is over; where that is too long, the events belong into a table that is
/// written in the transaction and read by something that publishes until it has succeeded.
///
/// ```
/// use exodrive_cache::{Cache, Event, MemoryStore, tag};
///
/// struct CarUpdated {
///     id: u64,
/// }
///
/// impl Event for CarUpdated {
///     const NAME: &'static str = "car.updated";
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cache = Cache::builder(MemoryStore::default())
///     .on(|event: &CarUpdated| [tag!("car:{}", event.id)])
///     .build()?;
///
/// let mut events = cache.events();
/// // In the transaction, beside each change:
/// events.add(&CarUpdated { id: 7 })?;
/// events.add(&CarUpdated { id: 8 })?;
/// // After the commit:
/// let published = events.publish().await?;
/// assert_eq!(published.tags(), 2);
/// assert!(published.deferred().is_empty());
/// # Ok(())
/// # }
/// ```
#[must_use = "events that are dropped invalidate nothing"]
pub struct Events<St: Store> {
    shared: Arc<Shared<St>>,
    names: Vec<Box<str>>,
    outdated: Outdated,
}

/// What was made outdated.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Published {
    tags: usize,
    deferred: Vec<Tag>,
}

// === impl Published ===

impl Published {
    /// Returns how many tags were invalidated.
    #[must_use]
    pub fn tags(&self) -> usize {
        self.tags
    }

    /// Returns those of them whose invalidation holds for this instance, and for the others only once the store can be reached
    /// again: see [`Invalidated::Deferred`].
    #[must_use]
    pub fn deferred(&self) -> &[Tag] {
        &self.deferred
    }
}

// === impl Events ===

impl<St: Store> Events<St> {
    pub(crate) fn new(shared: Arc<Shared<St>>) -> Self {
        Self {
            shared,
            names: Vec::new(),
            outdated: Outdated::default(),
        }
    }

    /// Adds an event. Which tags it makes outdated is decided now.
    ///
    /// # Errors
    ///
    /// If no rule names the event.
    pub fn add<E: Event>(&mut self, event: &E) -> Result<(), PublishError> {
        let outdated = self.shared.registry.outdated(event);
        let outdated = outdated.ok_or_else(|| PublishFailure::Unregistered(E::NAME.into()))?;
        self.join(E::NAME, outdated);
        Ok(())
    }

    /// Adds an event that comes as data; see [`Cache::publish_json`](crate::Cache::publish_json).
    ///
    /// # Errors
    ///
    /// If no rule names the event, or if it lacks a field.
    #[cfg(feature = "json")]
    #[cfg_attr(docsrs, doc(cfg(feature = "json")))]
    pub fn add_json(&mut self, name: &str, event: &serde_json::Value) -> Result<(), PublishError> {
        let registry = &self.shared.registry;
        let tags = registry.outdated_by_name(name, |field| crate::json::text(event, field));
        let hard = tags
            .ok_or_else(|| PublishFailure::Unregistered(name.into()))?
            .map_err(|field| PublishFailure::Field {
                event: name.into(),
                field: field.into(),
            })?;
        let soft = Vec::new();
        self.join(name, Outdated { hard, soft });
        Ok(())
    }

    fn join(&mut self, name: &str, Outdated { hard, soft }: Outdated) {
        self.names.push(name.into());
        self.outdated.hard.extend(hard);
        self.outdated.soft.extend(soft);
    }

    /// Removes everything that the events made outdated. It happens on a task of its own, so that a caller who is dropped
    /// meanwhile, since its client has hung up, leaves nothing half done.
    ///
    /// Call it after the change is committed. Once it has returned, no request is answered with anything that was made from
    /// older data.
    ///
    /// # Errors
    ///
    /// If the store failed. A store in Redis that cannot be reached is no error, but
    /// [`Published::deferred`] says so.
    pub async fn publish(self) -> Result<Published, PublishError> {
        let names = self.names.join(", ");
        let task = tokio::spawn(self.apply());
        let applied = match task.await {
            Ok(applied) => applied,
            Err(error) => Err(StoreError::new(error)),
        };
        let published =
            applied.map_err(|error| PublishFailure::Store(names.as_str().into(), error))?;
        tracing::debug!(events = %names, tags = published.tags, "invalidated");
        Ok(published)
    }

    async fn apply(self) -> Result<Published, StoreError> {
        let Outdated { hard, soft } = self.outdated;
        let mut published = Published::default();
        for (mut tags, how) in [(hard, Invalidation::Hard), (soft, Invalidation::Soft)] {
            tags.sort_unstable();
            tags.dedup();
            if tags.is_empty() {
                continue;
            }
            published.tags += tags.len();
            if self.shared.invalidate(&tags, how).await? == Invalidated::Deferred {
                published.deferred.extend(tags);
            }
        }
        Ok(published)
    }
}

impl<St: Store> fmt::Debug for Events<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("names", &self.names)
            .field("outdated", &self.outdated)
            .finish_non_exhaustive()
    }
}
