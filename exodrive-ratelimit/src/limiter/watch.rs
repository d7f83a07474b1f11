//! What a limiter knows of the orders, and how it keeps up with them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use super::punishing::Suppressed;
use crate::Subject;
use crate::control::{Changes, Entry, Offenders, Snapshot};
use crate::store::{Ledger, StoreError};

/// In the place of a version: something is ordered.
const SOMETHING: u64 = u64::MAX;

pub(super) struct Watch {
    pub(super) ledger: Ledger,
    current: ArcSwap<Snapshot>,
    /// The version as of which nothing is ordered, which can be asked without holding the snapshot; or [`SOMETHING`].
    quiet_as_of: AtomicU64,
    /// Held while the ledger is asked, so that one change is fetched once.
    asking: AsyncMutex<()>,
    offenders: Mutex<Offenders>,
    pub(super) suppressed: Suppressed,
}

impl Watch {
    pub(super) fn new(ledger: Ledger, configured: Vec<Entry>) -> Self {
        let snapshot = Snapshot::of_configuration(configured);
        Self {
            ledger,
            quiet_as_of: AtomicU64::new(quiet_as_of(&snapshot)),
            current: ArcSwap::from_pointee(snapshot),
            asking: AsyncMutex::default(),
            offenders: Mutex::default(),
            suppressed: Suppressed::default(),
        }
    }

    /// Whether nothing is ordered, as far as this instance knows: so it is most of the time, for most requests.
    #[inline]
    pub(super) fn is_quiet(&self) -> bool {
        let quiet_as_of = self.quiet_as_of.load(Ordering::Acquire);
        let mut version = self.ledger.version_now().into_iter();
        quiet_as_of != SOMETHING && version.all(|version| version == quiet_as_of)
    }

    /// What is ordered, as far as this instance knows; of a ledger in this process, all of it.
    pub(super) fn current(&self) -> Guard<Arc<Snapshot>> {
        let current = self.current.load();
        match self.ledger.changes_now(current.version()) {
            None => current,
            Some(changes) => {
                self.take(changes);
                self.current.load()
            }
        }
    }

    /// Makes sure that what is ordered as of a version is known. Returns whether there was anything new.
    pub(super) async fn catch_up(&self, version: u64) -> Result<bool, StoreError> {
        if self.current.load().version() == version {
            return Ok(false);
        }
        let _asking = self.asking.lock().await;
        if self.current.load().version() == version {
            return Ok(false);
        }
        self.ask().await
    }

    /// Asks the ledger for what is new. Returns whether there was anything.
    pub(super) async fn refresh(&self) -> Result<bool, StoreError> {
        let _asking = self.asking.lock().await;
        self.ask().await
    }

    async fn ask(&self) -> Result<bool, StoreError> {
        let known = self.current.load().version();
        let changes = self.ledger.changes_since(known).await?;
        let changed = changes.is_some();
        if let Some(changes) = changes {
            self.take(changes);
        }
        Ok(changed)
    }

    fn take(&self, changes: Changes) {
        let after = self.current.load().after(changes, self.ledger.now());
        let quiet_as_of = quiet_as_of(&after);
        self.current.store(Arc::new(after));
        self.quiet_as_of.store(quiet_as_of, Ordering::Release);
    }

    /// Counts a refusal and returns how many there were.
    pub(super) fn offended(&self, subject: &Subject) -> u64 {
        self.offenders.lock().count(subject)
    }

    pub(super) fn top_refused(&self) -> Vec<(Subject, u64)> {
        self.offenders.lock().top()
    }
}

fn quiet_as_of(snapshot: &Snapshot) -> u64 {
    if snapshot.is_empty() {
        snapshot.version()
    } else {
        SOMETHING
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("ledger", &self.ledger)
            .field("version", &self.current.load().version())
            .finish_non_exhaustive()
    }
}
