//! How charges are corrected once it is known what they should have been.

use http::response;

use super::admission::Correction;
use super::{Admission, RateLimiter};
use crate::decision::Decision;
use crate::store::{Settlement, Store};

impl<St: Store> RateLimiter<St> {
    /// What the store is to correct, given the response; the decision takes note.
    pub(crate) fn settled_by_response(
        &self,
        admission: &Admission,
        decision: &mut Decision,
        response: &response::Parts,
    ) -> Vec<Settlement> {
        let plan = &self.shared.plan;
        let mut settlements = Vec::new();
        for correction in admission.corrections() {
            let planned = plan.planned(correction.claim.limit);
            if let Some(cost) = planned.settled_cost(response) {
                decision.settled(correction.place, cost);
                settlements.extend(self.correct(&correction, cost));
            }
        }
        settlements
    }

    /// What the store is to correct, given the cost.
    pub(super) fn settled_by_cost(&self, admission: &Admission, cost: u32) -> Vec<Settlement> {
        let corrections = admission.corrections();
        corrections
            .filter_map(|correction| self.correct(&correction, cost))
            .collect()
    }

    /// Corrects what was counted here; what is left for the store to do.
    fn correct(&self, correction: &Correction<'_>, cost: u32) -> Option<Settlement> {
        let plan = &self.shared.plan;
        let claim = correction.claim;
        let planned = plan.planned(claim.limit);
        if let (Some(stamp), Some(fallback)) = (correction.in_share, self.fallback()) {
            let receipt = planned.receipt_of_share(claim, stamp);
            if let Some(settlement) = receipt.settle(cost) {
                fallback.correct(&settlement);
            }
            if correction.owed {
                fallback.owe(plan, claim.limit, &claim.subject, cost);
            }
        }
        planned.receipt(claim, correction.in_store?).settle(cost)
    }

    /// Settles for a response; that the charge stays if it fails is all there is to do about it.
    pub(crate) async fn settle(self, settlements: Vec<Settlement>) {
        if let Err(error) = self.shared.store.settle(settlements).await {
            self.shared.plan.doubts.store_failed(&error);
        }
    }
}
