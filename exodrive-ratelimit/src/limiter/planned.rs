//! A limit as the limiter keeps it.

use std::sync::Arc;

use http::response;
use parking_lot::Mutex;

use super::claim::Claim;
use crate::control::Override;
use crate::decision::LimitState;
use crate::limit::{Limit, OnStoreError};
use crate::store::{Charge, Fingerprint, LimitKeys, Reading, Receipt, Stamp};
use crate::terms::Terms;
use crate::{Rule, Subject};

/// How many sizes that were ordered are kept ready for a limit.
const SIZES: usize = 64;

#[derive(Debug)]
pub(super) struct Planned {
    pub(super) limit: Limit,
    keys: LimitKeys,
    size: Arc<Size>,
    instances: u32,
    ordered: Mutex<Vec<(Override, Arc<Size>)>>,
}

/// How much a limit admits, its numbers reduced.
#[derive(Debug)]
pub(super) struct Size {
    rule: Rule,
    terms: Arc<Terms>,
    /// What this instance may admit by itself.
    share: Rule,
    share_terms: Arc<Terms>,
}

impl Size {
    fn new(name: &str, rule: Rule, instances: u32) -> Self {
        let share = rule.share(instances);
        let terms = |rule| Arc::new(Terms::new(name, rule));
        Self {
            terms: terms(rule),
            share_terms: terms(share),
            rule,
            share,
        }
    }
}

impl Planned {
    pub(super) fn new(limit: Limit, rule: Rule, instances: u32) -> Self {
        Self {
            keys: LimitKeys::of(&limit.name),
            size: Arc::new(Size::new(&limit.name, rule, instances)),
            limit,
            instances,
            ordered: Mutex::default(),
        }
    }

    /// The size that is ordered; `None` if it makes no sense for this limit.
    pub(super) fn ordered(&self, to: Override) -> Option<Arc<Size>> {
        let mut ordered = self.ordered.lock();
        if let Some((_, size)) = ordered.iter().find(|(known, _)| *known == to) {
            return Some(Arc::clone(size));
        }
        let rule = to.of(self.limit.way)?.rule().ok()?;
        let size = Arc::new(Size::new(&self.limit.name, rule, self.instances));
        if ordered.len() >= SIZES {
            ordered.clear();
        }
        ordered.push((to, Arc::clone(&size)));
        Some(size)
    }

    /// What stands for the limit and a subject in memory.
    pub(super) fn key(&self, subject: &Subject) -> Fingerprint {
        self.keys.key(subject)
    }

    fn size<'a>(&'a self, claim: &'a Claim) -> &'a Size {
        claim.size.as_ref().unwrap_or(&self.size)
    }

    pub(super) fn name(&self) -> &str {
        &self.limit.name
    }

    pub(super) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.limit.name)
    }

    /// How the limit counts everybody that nothing else is ordered for.
    pub(super) fn rule(&self) -> Rule {
        self.size.rule
    }

    /// How many instances share the limit.
    pub(super) const fn instances(&self) -> u32 {
        self.instances
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

    /// What is asked of the store for a claim.
    pub(super) fn charge<'a>(&'a self, claim: &'a Claim) -> Charge<'a> {
        self.charge_under(&self.size(claim).rule, claim, claim.shadow)
    }

    /// What is asked of this instance's share.
    pub(super) fn charge_to_share<'a>(&'a self, claim: &'a Claim, shadow: bool) -> Charge<'a> {
        self.charge_under(&self.size(claim).share, claim, shadow)
    }

    fn charge_under<'a>(&'a self, rule: &'a Rule, claim: &'a Claim, shadow: bool) -> Charge<'a> {
        let name = &self.limit.name;
        Charge::keyed(name, self.keys, &claim.subject, rule, claim.cost, shadow)
    }

    /// Where the limit stands after a decision.
    pub(super) fn state(&self, claim: &Claim, reading: &Reading) -> LimitState {
        let terms = Arc::clone(&self.size(claim).terms);
        LimitState::new(terms, claim.cost, claim.shadow, reading)
    }

    /// The same, of the share.
    pub(super) fn state_of_share(&self, claim: &Claim, reading: &Reading) -> LimitState {
        let terms = Arc::clone(&self.size(claim).share_terms);
        LimitState::new(terms, claim.cost, claim.shadow, reading)
    }

    /// The proof of a charge in the store.
    pub(super) fn receipt(&self, claim: &Claim, stamp: Stamp) -> Receipt {
        self.receipt_under(self.size(claim).rule, claim, stamp)
    }

    /// The proof of a charge to the share.
    pub(super) fn receipt_of_share(&self, claim: &Claim, stamp: Stamp) -> Receipt {
        self.receipt_under(self.size(claim).share, claim, stamp)
    }

    fn receipt_under(&self, rule: Rule, claim: &Claim, stamp: Stamp) -> Receipt {
        let subject = claim.subject.clone();
        Receipt::new(self.shared_name(), subject, rule, claim.cost, stamp)
    }
}
