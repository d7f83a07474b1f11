//! The policies for objects under their names, with everything resolved that can be resolved once.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::cache::Object;
use super::policy::ObjectPolicy;
use crate::cache_control::CacheControl;
use crate::decision::Outcome;
use crate::entry::Made;
use crate::error::Mistake;
use crate::limits::Limits;
#[cfg(feature = "metrics")]
use crate::meters::{Meters, UnreadableMeter};
use crate::reuse::{Reuse, reuse};
use crate::shared::Shared;
use crate::storability::MAX_TAGS;
use crate::store::{Found, Store};
use crate::tag_template::TagTemplate;
use crate::{CacheKey, Entry, Tag, tag};

/// A policy under its name.
pub(crate) struct Named<T> {
    pub(super) name: Arc<str>,
    pub(super) policy: ObjectPolicy<T>,
    pub(super) limits: Limits,
    unreadable: AtomicU64,
    #[cfg(feature = "metrics")]
    meters: Meters,
    #[cfg(feature = "metrics")]
    unreadable_meter: UnreadableMeter,
}

/// An object that was loaded: to be given to whoever waits for it, and to be stored.
pub(super) struct New<T> {
    pub(super) object: Arc<T>,
    pub(super) tags: Arc<[Tag]>,
    /// `None` if it cannot be stored.
    pub(super) entry: Option<Entry>,
}

/// The policies for objects of all types.
#[derive(Default)]
pub(crate) struct ObjectPolicies(BTreeMap<Arc<str>, AnyPolicy>);

struct AnyPolicy {
    named: Arc<dyn Any + Send + Sync>,
    tags: Vec<TagTemplate>,
}

// === impl ObjectPolicies ===

impl ObjectPolicies {
    /// Adds a policy, and reports what cannot work.
    pub(crate) fn add<T: 'static>(
        &mut self,
        name: &str,
        policy: ObjectPolicy<T>,
        mistakes: &mut Vec<Mistake>,
    ) {
        policy.check(name, mistakes);
        let own = [name.to_owned(), format!("{name}:{{id}}")].map(|tag| TagTemplate::new(&tag));
        let tags = [&own, &*policy.tags].concat();
        let named = Arc::new(Named::new(name, policy));
        let policy = AnyPolicy {
            tags,
            named: named.clone(),
        };
        if self.0.insert(named.name.clone(), policy).is_some() {
            mistakes.push(Mistake::DuplicatePolicy(name.into()));
        }
    }

    pub(super) fn named<T: 'static>(&self, name: &str) -> Option<Arc<Named<T>>> {
        self.0.get(name)?.named.clone().downcast().ok()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.keys()
    }

    /// Returns the policies with the tags that they state.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (&str, &[TagTemplate])> {
        self.0.iter().map(|(name, policy)| (&**name, &*policy.tags))
    }
}

impl fmt::Debug for ObjectPolicies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

// === impl Named ===

impl<T> Named<T> {
    fn new(name: &str, policy: ObjectPolicy<T>) -> Self {
        Self {
            name: name.into(),
            limits: Limits::of(&policy.schedule),
            policy,
            unreadable: AtomicU64::new(0),
            #[cfg(feature = "metrics")]
            meters: Meters::new(name),
            #[cfg(feature = "metrics")]
            unreadable_meter: UnreadableMeter::new(name),
        }
    }

    pub(super) fn key(&self, id: &(impl fmt::Display + ?Sized)) -> CacheKey {
        CacheKey::of_object(&self.name, self.policy.version, id)
    }

    /// Returns the tag of one object alone.
    pub(super) fn own_tag(&self, key: &CacheKey) -> Tag {
        tag!("{}:{}", self.name, key.object_id(&self.name))
    }

    /// Returns the tags that every object under the key carries.
    pub(super) fn tags(&self, key: &CacheKey) -> Arc<[Tag]> {
        let tags = self.policy.tags(key.object_id(&self.name));
        tags.chain([Tag::new(&self.name), self.own_tag(key)])
            .collect()
    }

    /// Takes note of how a question ended.
    pub(super) fn ended(&self, outcome: Outcome) {
        #[cfg(feature = "metrics")]
        self.meters.ended(Some(outcome));
        #[cfg(not(feature = "metrics"))]
        let _ = (self, outcome);
    }

    /// Takes note of how long a load took.
    pub(super) fn loaded(&self, time: Duration) {
        #[cfg(feature = "metrics")]
        self.meters.filled(time);
        #[cfg(not(feature = "metrics"))]
        let _ = (self, time);
    }

    /// Takes note of an object that is stored.
    pub(super) fn stored(&self, bytes: usize) {
        #[cfg(feature = "metrics")]
        self.meters.stored(bytes);
        #[cfg(not(feature = "metrics"))]
        let _ = (self, bytes);
    }

    /// Takes note of an entry that cannot be read.
    pub(super) fn is_unreadable(&self) {
        self.unreadable.fetch_add(1, Ordering::Relaxed);
        #[cfg(feature = "metrics")]
        self.unreadable_meter.count();
    }

    pub(super) fn unreadable(&self) -> u64 {
        self.unreadable.load(Ordering::Relaxed)
    }
}

impl<T: Object> Named<T> {
    /// Decides what an entry is good for, and returns the object unless it cannot be read.
    pub(super) fn judge<St: Store>(
        &self,
        shared: &Shared<St>,
        found: &Found,
    ) -> (Reuse, Option<Arc<T>>) {
        let Found { entry, outdated } = found;
        let early = self.policy.schedule.early_refresh(&shared.chance);
        let directives = CacheControl::default();
        let verdict = reuse(entry, *outdated, &directives, early, shared.clock.now());
        (verdict, entry.object())
    }

    /// Returns the object from this process's memory, if there is nothing else to be done.
    pub(super) fn peek<St: Store>(&self, shared: &Shared<St>, key: &CacheKey) -> Option<Arc<T>> {
        let (verdict, object) = self.judge(shared, &shared.store.peek(key)?);
        let Reuse::Serve(outcome) = verdict else {
            return None;
        };
        let object = object?;
        self.ended(outcome);
        Some(object)
    }

    /// Makes of an object what is given away and what is stored. `took` is how long that was, and `chance` what its jitter loses.
    pub(super) fn make(
        &self,
        key: &CacheKey,
        object: Arc<T>,
        at: SystemTime,
        took: Duration,
        chance: f64,
    ) -> New<T> {
        let mut tags = self.tags(key).to_vec();
        tags.extend(self.policy.tags_of.iter().flat_map(|tags| tags(&object)));
        tags.sort_unstable();
        tags.dedup();
        let tags: Arc<[Tag]> = tags.into();
        let schedule = &self.policy.schedule;
        let entry = Entry::of_object(
            key,
            Made {
                object: object.clone(),
                tags: tags.clone(),
                at,
                took,
                freshness: schedule.freshness(schedule.ttl, chance),
            },
        );
        let entry = match entry {
            Ok(entry) if tags.len() > MAX_TAGS || entry.body().len() > self.policy.max_size => {
                tracing::debug!(policy = %self.name, "an object has too many tags or is too large");
                None
            }
            Ok(entry) => Some(entry),
            Err(error) => {
                tracing::warn!(policy = %self.name, %error, "an object has no JSON");
                None
            }
        };
        New {
            object,
            tags,
            entry,
        }
    }
}
