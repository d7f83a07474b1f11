//! A store that fails, hangs or loses answers when told to.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::StoreError;
use crate::store::{Commit, Found, Invalidated, Invalidation, Opened, Opening, Release, Store};
use crate::{CacheKey, Entry, Tag};

/// A store in front of another one that can be made to fail, to see what a service does then.
///
/// ```
/// use exodrive_cache::testing::{Fault, Operation, Unreliable};
/// use exodrive_cache::{Cache, Invalidation, MemoryStore, tag};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Unreliable::new(MemoryStore::default());
/// let cache = Cache::builder(store.clone()).build()?;
///
/// store.fault(Operation::Invalidate, Fault::Fail);
/// assert!(cache.invalidate(&[tag!("fleet")], Invalidation::Hard).await.is_err());
/// store.repair();
/// assert!(cache.invalidate(&[tag!("fleet")], Invalidation::Hard).await.is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Unreliable<St>(Arc<Shared<St>>);

#[derive(Debug)]
struct Shared<St> {
    inner: St,
    faults: watch::Sender<[Option<Fault>; OPERATIONS]>,
    /// How many calls hang.
    held: watch::Sender<[usize; OPERATIONS]>,
}

/// What is asked of a store; [`Store::peek`] is part of a lookup.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// [`Store::lookup`].
    Lookup,
    /// [`Store::open`].
    Open,
    /// [`Store::is_current`].
    IsCurrent,
    /// [`Store::commit`].
    Commit,
    /// [`Store::release`].
    Release,
    /// [`Store::invalidate`].
    Invalidate,
}

const OPERATIONS: usize = 6;

/// What goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing is done, and that is said.
    Fail,
    /// Nothing happens until the fault is another one or repaired; then the call goes on, however late.
    Hang,
    /// It is done, but said to have failed, as when a connection breaks after the request was sent.
    Lose,
}

// === impl Unreliable ===

impl<St> Unreliable<St> {
    /// A store that works until it is told otherwise. Clones are the same store.
    pub fn new(inner: St) -> Self {
        Self(Arc::new(Shared {
            inner,
            faults: watch::Sender::new([None; OPERATIONS]),
            held: watch::Sender::new([0; OPERATIONS]),
        }))
    }

    /// Lets `operation` go wrong from now on.
    pub fn fault(&self, operation: Operation, fault: Fault) {
        self.0
            .faults
            .send_modify(|faults| faults[operation as usize] = Some(fault));
    }

    /// Lets everything work again. Calls that hang go on.
    pub fn repair(&self) {
        self.0.faults.send_replace([None; OPERATIONS]);
    }

    /// Waits until at least `calls` calls of `operation` hang.
    pub async fn held(&self, operation: Operation, calls: usize) {
        let mut held = self.0.held.subscribe();
        // The sender lives as long as this borrow of it.
        let _ = held
            .wait_for(|held| held[operation as usize] >= calls)
            .await;
    }

    /// Returns the store behind.
    #[must_use]
    pub fn inner(&self) -> &St {
        &self.0.inner
    }

    /// Does `work` once it is its turn; stores may act as soon as they are called.
    async fn call<T, F>(
        &self,
        operation: Operation,
        work: impl FnOnce() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        match self.begin(operation).await {
            Some(Fault::Fail) => Err(StoreError::new("told to fail")),
            Some(Fault::Lose) => {
                work().await?;
                Err(StoreError::new("told to lose the answer"))
            }
            Some(Fault::Hang) | None => work().await,
        }
    }

    /// Waits as long as `operation` hangs, and returns what else is wrong with it.
    async fn begin(&self, operation: Operation) -> Option<Fault> {
        let mut faults = self.0.faults.subscribe();
        let current = faults.borrow_and_update()[operation as usize];
        if current != Some(Fault::Hang) {
            return current;
        }
        let _held = Held::one_more(&self.0.held, operation);
        let is_over = |faults: &[_; OPERATIONS]| faults[operation as usize] != Some(Fault::Hang);
        let faults = faults.wait_for(is_over).await.ok()?;
        faults[operation as usize]
    }
}

// Derived, it would ask of the inner store to be `Clone`.
impl<St> Clone for Unreliable<St> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<St: Store> Store for Unreliable<St> {
    type Fill = St::Fill;

    /// Finds nothing while lookups go wrong.
    fn peek(&self, key: &CacheKey) -> Option<Found> {
        match self.0.faults.borrow()[Operation::Lookup as usize] {
            Some(_) => None,
            None => self.0.inner.peek(key),
        }
    }

    async fn lookup(&self, key: &CacheKey, tags: &[Tag]) -> Result<Option<Found>, StoreError> {
        self.call(Operation::Lookup, || self.0.inner.lookup(key, tags))
            .await
    }

    async fn open(&self, opening: Opening<'_>) -> Result<Opened<Self::Fill>, StoreError> {
        self.call(Operation::Open, || self.0.inner.open(opening))
            .await
    }

    async fn is_current(&self, fill: &Self::Fill, tags: &[Tag]) -> Result<bool, StoreError> {
        self.call(Operation::IsCurrent, || self.0.inner.is_current(fill, tags))
            .await
    }

    async fn commit(&self, fill: &Self::Fill, entry: Entry) -> Result<Commit, StoreError> {
        self.call(Operation::Commit, || self.0.inner.commit(fill, entry))
            .await
    }

    async fn release(&self, fill: &Self::Fill, release: Release) {
        let released = async {
            self.0.inner.release(fill, release).await;
            Ok(())
        };
        // Nobody is told whether it worked.
        let _ = self.call(Operation::Release, || released).await;
    }

    async fn invalidate(&self, tags: &[Tag], how: Invalidation) -> Result<Invalidated, StoreError> {
        self.call(Operation::Invalidate, || self.0.inner.invalidate(tags, how))
            .await
    }
}

/// A call that hangs. One that is dropped meanwhile hangs no more.
struct Held<'a> {
    calls: &'a watch::Sender<[usize; OPERATIONS]>,
    operation: Operation,
}

impl<'a> Held<'a> {
    fn one_more(calls: &'a watch::Sender<[usize; OPERATIONS]>, operation: Operation) -> Self {
        calls.send_modify(|held| held[operation as usize] += 1);
        Self { calls, operation }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.calls
            .send_modify(|held| held[self.operation as usize] -= 1);
    }
}
