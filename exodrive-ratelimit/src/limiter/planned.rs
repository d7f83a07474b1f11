//! A limit as the limiter keeps it.

use std::sync::Arc;

use http::response;

use super::claim::Claim;
use crate::Rule;
use crate::decision::LimitState;
use crate::limit::{Limit, OnStoreError};
use crate::store::{Charge, Reading, Receipt, Stamp};
use crate::terms::Terms;

/// A limit with its numbers reduced.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) limit: Limit,
    pub(super) rule: Rule,
    terms: Arc<Terms>,
    /// What this instance may admit by itself.
    share: Rule,
    share_terms: Arc<Terms>,
}

impl Planned {
    pub(super) fn new(limit: Limit, rule: Rule, instances: u32) -> Self {
        let share = rule.share(instances);
        let terms = |rule| Arc::new(Terms::new(&limit.name, rule));
        Self {
            terms: terms(rule),
            share_terms: terms(share),
            limit,
            rule,
            share,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.limit.name
    }

    pub(super) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.limit.name)
    }

    pub(super) const fn rule(&self) -> Rule {
        self.rule
    }

    pub(super) const fn share(&self) -> &Rule {
        &self.share
    }

    pub(super) const fn is_shadow(&self) -> bool {
        self.limit.shadow
    }

    pub(super) const fn settles(&self) -> bool {
        self.limit.settle.is_some()
    }

    pub(super) const fn on_store_error(&self) -> OnStoreError {
        self.limit.on_store_error
    }

    /// What a request should have cost, given its response.
    pub(super) fn settled_cost(&self, response: &response::Parts) -> Option<u32> {
        Some(self.limit.settle.as_ref()?(response))
    }

    /// What is asked for a claim.
    pub(super) fn charge<'a>(
        &'a self,
        claim: &'a Claim,
        rule: &'a Rule,
        shadow: bool,
    ) -> Charge<'a> {
        Charge::new(&self.limit.name, &claim.subject, rule, claim.cost, shadow)
    }

    /// Where the limit stands after a decision.
    pub(super) fn state(&self, cost: u32, reading: &Reading) -> LimitState {
        LimitState::new(Arc::clone(&self.terms), cost, self.limit.shadow, reading)
    }

    /// The same, of the share.
    pub(super) fn state_of_share(&self, cost: u32, reading: &Reading) -> LimitState {
        let terms = Arc::clone(&self.share_terms);
        LimitState::new(terms, cost, self.limit.shadow, reading)
    }

    /// The proof of a charge in the store.
    pub(super) fn receipt(&self, claim: &Claim, stamp: Stamp) -> Receipt {
        self.receipt_under(self.rule, claim, stamp)
    }

    /// The proof of a charge to the share.
    pub(super) fn receipt_of_share(&self, claim: &Claim, stamp: Stamp) -> Receipt {
        self.receipt_under(self.share, claim, stamp)
    }

    fn receipt_under(&self, rule: Rule, claim: &Claim, stamp: Stamp) -> Receipt {
        let subject = claim.subject.clone();
        Receipt::new(self.shared_name(), subject, rule, claim.cost, stamp)
    }
}
