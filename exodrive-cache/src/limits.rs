//! How much one route may have under way at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::policy::CachePolicy;

/// The calls of the handler and the refreshes that a route has left.
#[derive(Debug)]
pub(crate) struct Limits {
    calls: Arc<Semaphore>,
    refreshes: Arc<Semaphore>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _permit: OwnedSemaphorePermit,
}

impl Limits {
    pub(crate) fn of(policy: &CachePolicy) -> Self {
        let semaphore = |permits: usize| Semaphore::new(permits.min(Semaphore::MAX_PERMITS)).into();
        Self {
            calls: semaphore(policy.max_calls.unwrap_or(usize::MAX)),
            refreshes: semaphore(policy.max_refreshes),
        }
    }

    /// Takes one call of the handler, if there is one left.
    pub(crate) fn call(&self) -> Option<Permit> {
        Permit::of(&self.calls)
    }

    /// Takes one refresh, if there is one left.
    pub(crate) fn refresh(&self) -> Option<Permit> {
        Permit::of(&self.refreshes)
    }
}

impl Permit {
    fn of(semaphore: &Arc<Semaphore>) -> Option<Self> {
        let permit = semaphore.clone().try_acquire_owned().ok()?;
        Some(Self { _permit: permit })
    }
}
