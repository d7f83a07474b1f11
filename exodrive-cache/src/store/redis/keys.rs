//! Names of keys.

use crate::{CacheKey, Tag};

/// Names the keys of one store.
///
/// Nothing in them is a hash tag of Redis Cluster, and no command touches two of them.
#[derive(Clone, Debug)]
pub(super) struct Keys(String);

impl Keys {
    pub(super) fn new(namespace: &str) -> Self {
        Self(namespace.replace(['{', '}'], "_"))
    }

    /// A hash: the names of the fields that the answer varies by, and an entry for each variant.
    pub(super) fn entry(&self, key: &CacheKey) -> String {
        format!("{}:e:{:032x}", self.0, key.digest())
    }

    /// A string while an instance fills the key, or while its answers may not be stored.
    pub(super) fn lease(&self, key: &CacheKey) -> String {
        format!("{}:l:{:032x}", self.0, key.digest())
    }

    /// The version of a tag. Braces would make part of a tag a hash tag, which is of no harm.
    pub(super) fn tag(&self, tag: &Tag) -> String {
        format!("{}:t:{tag}", self.0)
    }

    /// The journal of invalidations, a stream.
    pub(super) fn journal(&self) -> String {
        format!("{}:j", self.0)
    }

    pub(super) fn era(&self) -> String {
        format!("{}:era", self.0)
    }
}
