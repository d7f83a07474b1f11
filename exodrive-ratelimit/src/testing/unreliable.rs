//! A store that fails when told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::{Charge, Ledger, Settlement, Store, StoreError, Verdict};

/// A store in front of another one that can be made to fail, to see what a service does then.
///
/// ```
/// use exodrive_ratelimit::testing::Unreliable;
/// use exodrive_ratelimit::{Limit, MINUTE, MemoryStore, RateLimiter, Subject};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Unreliable::new(MemoryStore::default());
/// let limiter = RateLimiter::builder(store.clone())
///     .limit(Limit::sliding_window("public", 60, MINUTE).by_subject())
///     .build()?;
///
/// store.fail(true);
/// let permit = limiter.check(Subject::user("ada"), 1).await?;
/// assert_eq!(permit.decision().source().as_str(), "fallback");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Unreliable<St> {
    inner: Arc<St>,
    fails: Arc<AtomicBool>,
}

impl<St> Unreliable<St> {
    /// A store that works until it is told to fail. Clones are the same store.
    pub fn new(inner: St) -> Self {
        Self {
            inner: Arc::new(inner),
            fails: Arc::default(),
        }
    }

    /// Whether the store fails from now on.
    pub fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }

    fn works(&self) -> Result<(), StoreError> {
        if self.fails.load(Ordering::Relaxed) {
            Err(StoreError::new("told to fail"))
        } else {
            Ok(())
        }
    }
}

// Derived, it would ask of the inner store to be `Clone`.
impl<St> Clone for Unreliable<St> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            fails: Arc::clone(&self.fails),
        }
    }
}

impl<St: Store> Store for Unreliable<St> {
    async fn check(&self, charges: &[Charge<'_>]) -> Result<Verdict, StoreError> {
        self.works()?;
        self.inner.check(charges).await
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<(), StoreError> {
        self.works()?;
        self.inner.settle(settlements).await
    }

    async fn reset(&self, charges: &[Charge<'_>]) -> Result<(), StoreError> {
        self.works()?;
        self.inner.reset(charges).await
    }

    fn ledger(&self) -> Ledger {
        self.inner.ledger()
    }
}
