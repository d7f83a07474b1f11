//! How much one policy may have under way at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::schedule::Schedule;

/// The calls and the refreshes that a policy has left.
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
    pub(crate) fn of(schedule: &Schedule) -> Self {
        let semaphore = |permits: usize| Semaphore::new(permits.min(Semaphore::MAX_PERMITS)).into();
        Self {
            calls: semaphore(schedule.max_calls.unwrap_or(usize::MAX)),
            refreshes: semaphore(schedule.max_refreshes),
        }
    }

    /// Takes one call, if there is one left.
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
