//! Keys whose last answer could not be stored.

use std::time::{Duration, SystemTime};

use quick_cache::sync::Cache as Map;

use crate::CacheKey;

/// How long requests for such a key do not wait for each other.
const DURATION: Duration = Duration::from_secs(30);
/// How many keys are remembered.
const CAPACITY: usize = 1 << 16;

/// Keys whose answers cannot be shared, so that requests for them go to the handler side by side
/// instead of one after the other.
#[derive(Debug)]
pub(crate) struct HitForMiss(Map<u128, SystemTime>);

impl HitForMiss {
    pub(crate) fn new() -> Self {
        Self(Map::new(CAPACITY))
    }

    pub(crate) fn mark(&self, key: &CacheKey, now: SystemTime) {
        self.0.insert(key.digest(), now + DURATION);
    }

    pub(crate) fn is_marked(&self, key: &CacheKey, now: SystemTime) -> bool {
        self.0.get(&key.digest()).is_some_and(|until| now < until)
    }
}
