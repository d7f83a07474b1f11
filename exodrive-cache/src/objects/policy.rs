//! What is configured for objects of one kind.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Tag;
use crate::error::Mistake;
use crate::percent::Percent;
use crate::schedule::Schedule;
use crate::tag_template::TagTemplate;

/// The parameter of a tag that stands for the object's identifier.
const ID: &str = "id";

/// How objects of type `T` are cached.
///
/// An object is found by its identifier, which is anything that prints as a text, and carries tags as an answer does: the
/// policy's name, that name with the identifier (`car:7`), and those given to [`tag`](Self::tag) and
/// [`tags_of`](Self::tags_of).
///
/// ```
/// use std::time::Duration;
///
/// use exodrive_cache::{ObjectPolicy, tag};
///
/// struct Car {
///     shop: u64,
/// }
///
/// ObjectPolicy::ttl(Duration::from_secs(3600))
///     .tag("fleet")
///     .tags_of(|car: &Car| [tag!("shop:{}", car.shop)])
///     .stale_if_error(Duration::from_secs(600))
///     .version(2);
/// ```
#[must_use]
pub struct ObjectPolicy<T> {
    pub(super) schedule: Schedule,
    pub(super) tags: Vec<TagTemplate>,
    pub(super) tags_of: Vec<TagsOf<T>>,
    pub(super) version: u32,
    pub(super) max_size: usize,
}

pub(super) type TagsOf<T> = Arc<dyn Fn(&T) -> Vec<Tag> + Send + Sync>;

impl<T> ObjectPolicy<T> {
    /// Keeps an object for `ttl` after it was loaded.
    pub fn ttl(ttl: Duration) -> Self {
        Self {
            schedule: Schedule::ttl(ttl),
            tags: Vec::new(),
            tags_of: Vec::new(),
            version: 0,
            max_size: 1 << 20,
        }
    }

    /// Sets the version of the objects' form, which is part of the key. Defaults to 0.
    ///
    /// A build that changes what the JSON of `T` looks like has another version than the one before, so that neither reads
    /// what the other has stored while both run. Invalidations reach both. An object that cannot be read is a miss in any case.
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Adds a tag that every object carries, such as `fleet` or `availability:{id}`, where `{id}` is the identifier.
    pub fn tag(mut self, template: &str) -> Self {
        self.tags.push(TagTemplate::new(template));
        self
    }

    /// Adds tags that depend on the object. An object with more than 32 tags in all is not stored.
    pub fn tags_of<I: IntoIterator<Item = Tag>>(
        mut self,
        tags: impl Fn(&T) -> I + Send + Sync + 'static,
    ) -> Self {
        let tags = move |object: &T| tags(object).into_iter().collect();
        self.tags_of.push(Arc::new(tags));
        self
    }

    /// Takes up to this share off the time to live of each object, by chance, so that what was loaded together does not end
    /// together. Defaults to 10 %.
    pub fn jitter(mut self, share: Percent) -> Self {
        self.schedule.jitter = share;
        self
    }

    /// Sets how eagerly an object is loaded anew in the background when its end is near. Defaults to 1; 0 leaves every object
    /// until its end. See [`CachePolicy::early_refresh`](crate::CachePolicy::early_refresh).
    pub fn early_refresh(mut self, beta: f64) -> Self {
        self.schedule.early_refresh = beta;
        self
    }

    /// Serves an object for this long after its time was over, while it is loaded anew in the background. Defaults to zero.
    pub fn stale_while_revalidate(mut self, window: Duration) -> Self {
        self.schedule.stale_while_revalidate = window;
        self
    }

    /// Serves an object for this long after its time was over, if loading it anew fails, takes too long or would be one load too
    /// many. Defaults to zero.
    pub fn stale_if_error(mut self, window: Duration) -> Self {
        self.schedule.stale_if_error = window;
        self
    }

    /// Bounds how many loads are under way at once; several objects that are loaded in one call are one load. Defaults to no
    /// bound. One load too many is an error at once.
    pub fn max_loads(mut self, loads: usize) -> Self {
        self.schedule.max_calls = Some(loads);
        self
    }

    /// Bounds how many loads run in the background at once. Defaults to 16. One too many is dropped, not queued.
    pub fn max_refreshes(mut self, refreshes: usize) -> Self {
        self.schedule.max_refreshes = refreshes;
        self
    }

    /// Serves a stale object once the loader has taken this long, if [`stale_if_error`](Self::stale_if_error) has one. The loader
    /// goes on. Defaults to waiting until the [`timeout`](Self::timeout).
    pub fn soft_timeout(mut self, timeout: Duration) -> Self {
        self.schedule.soft_timeout = Some(timeout);
        self
    }

    /// Gives a loader up after this long, and bounds how long anybody waits for it. Defaults to 30 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.schedule.timeout = timeout;
        self
    }

    /// States how far behind the data may be that the loader reads, as from a database's replica. Defaults to zero.
    /// See [`CachePolicy::replica_lag`](crate::CachePolicy::replica_lag).
    pub fn replica_lag(mut self, lag: Duration) -> Self {
        self.schedule.replica_lag = lag;
        self
    }

    /// Sets the largest object that is stored, in bytes of its JSON. Defaults to 1 MiB.
    ///
    /// A larger one is given to whoever waits for it. In a memory an object counts twice its JSON: once as such, and
    /// once for what it takes when it is read.
    pub fn max_size(mut self, bytes: usize) -> Self {
        self.max_size = bytes;
        self
    }

    /// Reports what cannot work.
    pub(super) fn check(&self, name: &str, mistakes: &mut Vec<Mistake>) {
        if self.schedule.ttl.is_zero() {
            mistakes.push(Mistake::ZeroTtl {
                policy: name.into(),
            });
        }
        self.schedule.check(name, mistakes);
        let mut parameters = self.tags.iter().flat_map(TagTemplate::parameters);
        if let Some(parameter) = parameters.find(|name| *name != ID) {
            mistakes.push(Mistake::UnknownParameter {
                policy: name.into(),
                parameter: parameter.into(),
            });
        }
    }

    /// Returns the tags of every object with this identifier, but for those of the policy's name.
    pub(super) fn tags(&self, id: &str) -> impl Iterator<Item = Tag> {
        let value = move |name: &str| (name == ID).then(|| id.into());
        self.tags.iter().filter_map(move |tag| tag.fill(value).ok())
    }
}

impl<T> fmt::Debug for ObjectPolicy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectPolicy")
            .field("schedule", &self.schedule)
            .field("tags", &self.tags)
            .field("version", &self.version)
            .field("max_size", &self.max_size)
            .finish_non_exhaustive()
    }
}
