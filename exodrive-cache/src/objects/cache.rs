//! The handle for objects of one kind.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{LoadError, UnknownObjects};
use super::fill::ObjectFill;
use super::inquiry::{Asked, Inquiry};
use super::many::{Many, ObjectId, Wanted, find_many};
use super::policies::Named;
use crate::error::StoreError;
use crate::patience::Patience;
use crate::shared::Shared;
use crate::store::{Commit, Invalidated, Invalidation, Opened, Opening, Store, Turn};
use crate::{Cache, Tag};

/// What can be kept as an object: anything that `serde` writes as JSON and reads again.
pub trait Object: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Object for T {}

/// Objects of the application, by their identifiers. Made by [`Cache::objects`].
///
/// They are kept in the cache's store beside answers, under the same promise: once an invalidation has returned, nobody is given
/// an object that was loaded before, neither from the store nor from a load that was under way. In a memory an object is an
/// [`Arc`] that a hit clones; in Redis it is JSON. An object that is not there can be cached, too: as `None`, with
/// `Option<Car>` as the type.
///
/// Two identifiers are the same if they print the same text.
///
/// ```
/// use std::convert::Infallible;
/// use std::time::Duration;
///
/// use exodrive_cache::{Cache, Event, Invalidation, MemoryStore, ObjectPolicy, tag};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize, Serialize)]
/// struct Car {
///     price: u32,
/// }
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
///     .objects("car", ObjectPolicy::<Car>::ttl(Duration::from_secs(3600)))
///     .on(|event: &CarUpdated| [tag!("car:{}", event.id)])
///     .build()?;
/// let cars = cache.objects::<Car>("car")?;
///
/// let load = async |price| cars.get_or_load(&7, async move || Ok::<_, Infallible>(Car { price })).await;
/// assert_eq!(load(30).await?.price, 30);
/// assert_eq!(load(40).await?.price, 30);
/// cache.publish(&CarUpdated { id: 7 }).await?;
/// assert_eq!(load(40).await?.price, 40);
/// # Ok(())
/// # }
/// ```
pub struct ObjectCache<T, St: Store> {
    shared: Arc<Shared<St>>,
    named: Arc<Named<T>>,
}

impl<St: Store> Cache<St> {
    /// Returns the objects of type `T` that [`CacheBuilder::objects`](crate::CacheBuilder::objects) has named.
    ///
    /// # Errors
    ///
    /// If there is no such policy, or if it is one for another type.
    pub fn objects<T: Object>(&self, name: &str) -> Result<ObjectCache<T, St>, UnknownObjects> {
        let named = self.shared.objects.named(name);
        Ok(ObjectCache {
            shared: self.shared.clone(),
            named: named.ok_or_else(|| UnknownObjects::of::<T>(name))?,
        })
    }
}

// === impl ObjectCache ===

impl<T: Object, St: Store> ObjectCache<T, St> {
    /// Returns the object, if it is in the store and may be served. A store that fails has none.
    pub async fn get<K: Display + ?Sized>(&self, id: &K) -> Option<Arc<T>> {
        match self.ask(id) {
            Asked::Answered(object) => Some(object),
            Asked::Open(inquiry) => inquiry.find().await,
        }
    }

    /// Returns the objects that are in the store and may be served, in the order of their identifiers.
    ///
    /// They are looked up side by side, not one after the other.
    pub async fn get_many<K: Display>(
        &self,
        ids: impl IntoIterator<Item = K>,
    ) -> Vec<Option<Arc<T>>> {
        let asked = ids.into_iter().map(|id| self.ask(&id));
        find_many(asked.collect()).await
    }

    /// Returns the object from the store, or loads it.
    ///
    /// Whoever asks while it is loaded waits for that one load, as long as nothing of its tags is invalidated
    /// meanwhile; so do other instances that share the store, for as long as its lease. The load runs on a task of its own and goes on if the
    /// caller is dropped. If the store fails the object is loaded and not stored.
    ///
    /// # Errors
    ///
    /// If the loader fails, panics, takes too long or would be one too many, and there is no
    /// [stale object](crate::ObjectPolicy::stale_if_error) to serve instead.
    pub async fn get_or_load<K, L, F, E>(&self, id: &K, load: L) -> Result<Arc<T>, LoadError>
    where
        K: Display + ?Sized,
        L: FnOnce() -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match self.ask(id) {
            Asked::Answered(object) => Ok(object),
            Asked::Open(inquiry) => {
                let load = async move { load().await.map_err(Into::into) };
                inquiry.get_or_load(Box::pin(load)).await
            }
        }
    }

    /// Returns the objects from the store, and loads in one call all that are missing. An identifier for which the loader returns
    /// nothing is not in the result.
    ///
    /// What somebody else in this process is loading already is waited for; what is invalidated meanwhile is loaded in another
    /// call. What another instance is loading is loaded here as well.
    ///
    /// # Errors
    ///
    /// As [`get_or_load`](Self::get_or_load), if one of the objects can neither be loaded nor be served stale.
    pub async fn get_or_load_many<K, L, F, I, E>(
        &self,
        ids: impl IntoIterator<Item = K>,
        load: L,
    ) -> Result<HashMap<K, Arc<T>>, LoadError>
    where
        K: ObjectId,
        L: Fn(Vec<K>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<I, E>> + Send + 'static,
        I: IntoIterator<Item = (K, T)>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut objects = HashMap::new();
        let mut wanted = HashMap::new();
        for id in ids {
            match self.ask(&id) {
                Asked::Answered(object) => {
                    objects.insert(id, object);
                }
                Asked::Open(inquiry) => {
                    wanted.insert(id, inquiry);
                }
            }
        }
        let wanted = wanted.into_iter().map(|(id, inquiry)| Wanted {
            id,
            inquiry,
            outdated: None,
        });
        let many = Many {
            patience: Patience::start(&self.named.policy.schedule),
            load: Arc::new(move |ids| {
                let loaded = load(ids);
                Box::pin(async move {
                    let loaded = loaded.await.map_err(Into::into)?;
                    Ok(loaded.into_iter().collect())
                })
            }),
            wanted: wanted.collect(),
            objects,
        };
        many.get_or_load().await
    }

    /// Stores an object that is current at this moment, in place of the one that is there.
    ///
    /// If it was read before, [`open`](Self::open) a fill first: an invalidation between reading and storing cannot be noticed here.
    /// And an event about a change is published before the changed object is set, not after, which would remove it.
    ///
    /// # Errors
    ///
    /// If the store failed.
    pub async fn set<K: Display + ?Sized>(
        &self,
        id: &K,
        object: impl Into<Arc<T>>,
    ) -> Result<Commit, StoreError> {
        self.open(id).await?.commit(object).await
    }

    /// Opens a fill, to be called before the application reads what it is going to store.
    ///
    /// # Errors
    ///
    /// If the store failed.
    pub async fn open<K: Display + ?Sized>(&self, id: &K) -> Result<ObjectFill<T, St>, StoreError> {
        let key = self.named.key(id);
        let tags = self.named.tags(&key);
        let opening = Opening {
            key: &key,
            tags: &tags,
            replaces: None,
            turn: Turn::Ignore,
            replica_lag: self.named.policy.schedule.replica_lag,
        };
        let opened_at = self.shared.clock.now();
        let Opened::Fill(fill) = self.shared.store.open(opening).await? else {
            return Err(StoreError::new("the store opened no fill"));
        };
        Ok(ObjectFill {
            shared: self.shared.clone(),
            named: self.named.clone(),
            key,
            fill,
            opened_at,
        })
    }

    /// Invalidates the object, and whatever else carries the tag of the policy's name with its identifier.
    ///
    /// # Errors
    ///
    /// If the store failed.
    pub async fn invalidate<K: Display + ?Sized>(
        &self,
        id: &K,
        how: Invalidation,
    ) -> Result<Invalidated, StoreError> {
        let tag = self.named.own_tag(&self.named.key(id));
        self.invalidate_tags(&[tag], how).await
    }

    /// Invalidates every object and every answer that carries one of `tags`; see [`Cache::invalidate`].
    ///
    /// # Errors
    ///
    /// If the store failed.
    pub async fn invalidate_tags(
        &self,
        tags: &[Tag],
        how: Invalidation,
    ) -> Result<Invalidated, StoreError> {
        self.shared.invalidate(tags, how).await
    }

    /// Returns how often something was found that could not be read as a `T`, which is a miss.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.named.unreadable()
    }

    /// Answers from this process's memory, or makes a question of it.
    fn ask<K: Display + ?Sized>(&self, id: &K) -> Asked<T, St> {
        let key = self.named.key(id);
        if let Some(object) = self.named.peek(&self.shared, &key) {
            return Asked::Answered(object);
        }
        Asked::Open(Inquiry {
            shared: self.shared.clone(),
            named: self.named.clone(),
            tags: self.named.tags(&key),
            key,
            stale: None,
        })
    }
}

impl<T, St: Store> Clone for ObjectCache<T, St> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            named: self.named.clone(),
        }
    }
}

impl<T, St: Store> fmt::Debug for ObjectCache<T, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectCache")
            .field("policy", &self.named.name)
            .finish_non_exhaustive()
    }
}
