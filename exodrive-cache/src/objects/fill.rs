//! An object that the application puts into the store itself.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::cache::Object;
use super::policies::Named;
use crate::CacheKey;
use crate::error::StoreError;
use crate::shared::Shared;
use crate::store::{Commit, Store};

/// A fill that was opened before the application read its data. Made by [`ObjectCache::open`](crate::ObjectCache::open).
///
/// Dropped, it leaves nothing behind.
#[must_use = "an object is stored when it is committed"]
pub struct ObjectFill<T, St: Store> {
    pub(super) shared: Arc<Shared<St>>,
    pub(super) named: Arc<Named<T>>,
    pub(super) key: CacheKey,
    pub(super) fill: St::Fill,
    pub(super) opened_at: SystemTime,
}

impl<T: Object, St: Store> ObjectFill<T, St> {
    /// Stores the object, unless one of its tags was invalidated since the fill was opened.
    ///
    /// # Errors
    ///
    /// If the store failed, or if the object has no JSON. An object that is too large, or has too many tags, is
    /// [`Commit::TooLarge`].
    pub async fn commit(self, object: impl Into<Arc<T>>) -> Result<Commit, StoreError> {
        let Shared { clock, chance, .. } = &*self.shared;
        let now = clock.now();
        let took = now.duration_since(self.opened_at).unwrap_or_default();
        let new = self
            .named
            .make(&self.key, object.into(), now, took, chance.draw());
        let Some(entry) = new.entry else {
            return Ok(Commit::TooLarge);
        };
        let bytes = entry.body().len();
        let committed = self.shared.store.commit(&self.fill, entry).await;
        if let Ok(Commit::Stored) = committed {
            self.named.stored(bytes);
        }
        committed
    }
}

impl<T, St: Store> fmt::Debug for ObjectFill<T, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectFill")
            .field("policy", &self.named.name)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
