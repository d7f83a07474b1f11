//! What a store must do.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::{Charge, Ledger, Settlement, Verdict};

/// Keeps what every subject has used, and decides.
///
/// A store is asked for decisions, not for cells, so that one that lives elsewhere can decide in a single exchange.
/// The suite in `testing` (feature `testing`) tells whether an implementation keeps this contract.
pub trait Store: Send + Sync + 'static {
    /// Decides all charges of one request together, at one time of the store's own clock.
    ///
    /// First every charge is measured and nothing is written. Only if every charge that is not
    /// [shadow](Charge::is_shadow) fits are the charges made: those that fit, shadow or not. A refusal leaves no trace.
    /// No two charges of one call have the same limit and subject. The verdict holds one reading for each charge, in
    /// their order.
    ///
    /// # Errors
    ///
    /// If the store cannot tell. It may then have charged or not; the call must not be made again, for it could charge
    /// twice.
    fn check(
        &self,
        charges: &[Charge<'_>],
    ) -> impl Future<Output = Result<Verdict, StoreError>> + Send;

    /// Decides at once, if the store can tell without waiting; the same contract as [`check`](Self::check) otherwise.
    ///
    /// It is asked first, and `check` only if it is `None`, so that a store in memory costs a request no future.
    /// Defaults to `None`.
    fn check_now(&self, charges: &[Charge<'_>]) -> Option<Verdict> {
        let _ = charges;
        None
    }

    /// Corrects charges made earlier to what turned out to be their cost.
    ///
    /// A lower cost gives back the difference, as far as the charge still counts: never into a window that began after
    /// it. A higher cost is charged now, whether it fits or not. Where the subject's state has been lost or has another
    /// rule by now, nothing is given back.
    ///
    /// A response may be waiting for this: a store that must travel to settle should take the settlements over and
    /// return.
    ///
    /// # Errors
    ///
    /// If the settlements may be lost.
    fn settle(
        &self,
        settlements: Vec<Settlement>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets what the charges' subjects have used of their limits, whatever the charges cost.
    ///
    /// # Errors
    ///
    /// If some of it may not be forgotten.
    fn reset(&self, charges: &[Charge<'_>]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Where the orders of operators are kept for everybody who shares the store; asked when a limiter is built.
    ///
    /// Defaults to a ledger of its own for each limiter.
    fn ledger(&self) -> Ledger {
        Ledger::local()
    }
}

impl<S: Store> Store for Arc<S> {
    fn check(
        &self,
        charges: &[Charge<'_>],
    ) -> impl Future<Output = Result<Verdict, StoreError>> + Send {
        (**self).check(charges)
    }

    fn check_now(&self, charges: &[Charge<'_>]) -> Option<Verdict> {
        (**self).check_now(charges)
    }

    fn settle(
        &self,
        settlements: Vec<Settlement>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        (**self).settle(settlements)
    }

    fn reset(&self, charges: &[Charge<'_>]) -> impl Future<Output = Result<(), StoreError>> + Send {
        (**self).reset(charges)
    }

    fn ledger(&self) -> Ledger {
        (**self).ledger()
    }
}

/// A store could not tell.
#[derive(Debug)]
pub struct StoreError {
    source: Box<dyn Error + Send + Sync>,
    may_have_charged: bool,
}

impl StoreError {
    /// Wraps what went wrong in the store.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: source.into(),
            may_have_charged: false,
        }
    }

    /// The same where it is likely that the store has charged, or will, though it did not say so in time.
    ///
    /// What is then admitted without the store is not charged to it later.
    pub fn too_late(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            may_have_charged: true,
            ..Self::new(source)
        }
    }

    /// There are as many orders as may be kept.
    pub(crate) fn no_room() -> Self {
        Self::new("there are 10,000 orders already")
    }

    pub(crate) const fn may_have_charged(&self) -> bool {
        self.may_have_charged
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rate limit store could not tell")
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
