//! How charges are corrected once it is known what they should have been.

use http::response;

use super::admission::Correction;
use super::{Admission, RateLimiter};
use crate::store::{Settlement, Store};

impl<St: Store> RateLimiter<St> {
    /// What the store is to correct, given the response; the decision takes note.
    pub(crate) fn settled_by_response(
        &self,
        admission: &mut Admission,
        response: &response::Parts,
    ) -> Vec<Settlement> {
        let plan = &self.shared.plan;
        self.settled(admission, |limit| {
            plan.planned(limit).settled_cost(response)
        })
    }

    /// What the store is to correct, given the cost; the decision takes note.
    pub(super) fn settled_by_cost(&self, admission: &mut Admission, cost: u32) -> Vec<Settlement> {
        self.settled(admission, |_| Some(cost))
    }

    fn settled(
        &self,
        admission: &mut Admission,
        cost_of: impl Fn(usize) -> Option<u32>,
    ) -> Vec<Settlement> {
        let plan = &self.shared.plan;
        let mut settlements = Vec::new();
        if admission.is_settled() {
            return settlements;
        }
        admission.settle(cost_of, |correction| {
            let Correction { claim, cost, .. } = *correction;
            let planned = plan.planned(claim.limit);
            if let (Some(stamp), Some(fallback)) = (correction.in_share, self.fallback()) {
                let receipt = planned.receipt_of_share(claim, stamp);
                if let Some(settlement) = receipt.settle(cost) {
                    fallback.correct(&settlement);
                }
                if correction.owed {
                    fallback.owe(plan, claim, cost);
                }
            }
            if let Some(stamp) = correction.in_store {
                settlements.extend(planned.receipt(claim, stamp).settle(cost));
            }
        });
        settlements
    }

    /// Settles for a response; that the charge stays if it fails is all there is to do about it.
    pub(crate) async fn settle(self, settlements: Vec<Settlement>) {
        if let Err(error) = self.shared.store.settle(settlements).await {
            self.shared.plan.doubts.store_failed(&error);
        }
    }
}
