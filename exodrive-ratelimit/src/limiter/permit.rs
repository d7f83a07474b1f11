//! Leave to do something outside of HTTP.

use std::fmt;

use super::{Admission, RateLimiter};
use crate::RateLimited;
use crate::decision::{Decision, Outcome};
use crate::store::{Store, StoreError};

/// Leave to go on, already paid for.
///
/// Dropping the permit keeps what was charged.
pub struct Permit<St> {
    limiter: RateLimiter<St>,
    pub(super) admission: Admission,
}

impl<St: Store> Permit<St> {
    pub(super) const fn new(limiter: RateLimiter<St>, admission: Admission) -> Self {
        Self { limiter, admission }
    }

    /// The permit, unless the decision is against it.
    #[inline]
    pub(super) fn if_allowed(self) -> Result<Self, RateLimited> {
        match self.admission.outcome() {
            Outcome::Allowed => Ok(self),
            _ => Err(RateLimited::new(self.decision())),
        }
    }

    /// What was decided, with the state of each limit after the charge.
    pub fn decision(&self) -> Decision {
        self.admission.decision(self.limiter.plan())
    }

    /// Corrects the charge to what it really cost.
    ///
    /// Less gives back the difference as far as it still counts; more is charged in addition, even beyond the limit.
    /// Room that this makes is heeded here at once, and after five seconds at the latest by other instances that repeat a
    /// refusal.
    ///
    /// # Errors
    ///
    /// If the store may have lost the correction; what was charged then stays charged.
    pub async fn settle(self, cost: u32) -> Result<(), StoreError> {
        let settlements = self.limiter.settled_by_cost(&self.admission, cost);
        if settlements.is_empty() {
            return Ok(());
        }
        let settled = self.limiter.store().settle(settlements).await;
        // Even if it failed: the correction may have been made all the same.
        self.limiter.forget_refusals(&self.admission.claims);
        settled
    }
}

impl<St: fmt::Debug> fmt::Debug for Permit<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("admission", &self.admission)
            .finish_non_exhaustive()
    }
}
