//! Proof of a charge, and what it is exchanged for.

use std::sync::Arc;

use crate::reading::Stamp;
use crate::{Rule, Subject};

/// Proof of one charge.
///
/// It cannot be copied, and settling consumes it, so a charge cannot be given back twice. Dropping it keeps the charge.
#[derive(Debug)]
#[must_use = "dropping a receipt keeps its charge"]
pub struct Receipt {
    limit: Arc<str>,
    subject: Subject,
    rule: Rule,
    cost: u32,
    stamp: Stamp,
}

impl Receipt {
    pub(crate) const fn new(
        limit: Arc<str>,
        subject: Subject,
        rule: Rule,
        cost: u32,
        stamp: Stamp,
    ) -> Self {
        Self {
            limit,
            subject,
            rule,
            cost,
            stamp,
        }
    }

    /// What the charge really costs. `None` if that is what was charged.
    pub(crate) fn settle(self, cost: u32) -> Option<Settlement> {
        (cost != self.cost).then_some(Settlement {
            receipt: self,
            cost,
        })
    }
}

/// A charge and what it should have been; handed to [`Store::settle`](super::Store::settle).
#[derive(Debug)]
pub struct Settlement {
    receipt: Receipt,
    cost: u32,
}

impl Settlement {
    /// The name of the limit that charged.
    pub fn limit(&self) -> &str {
        &self.receipt.limit
    }

    /// Who was charged.
    pub const fn subject(&self) -> &Subject {
        &self.receipt.subject
    }

    /// How the limit counted when it charged.
    pub const fn rule(&self) -> Rule {
        self.receipt.rule
    }

    /// Where and when the charge was made.
    pub const fn stamp(&self) -> Stamp {
        self.receipt.stamp
    }

    /// How much to give back.
    pub const fn refund(&self) -> u32 {
        self.receipt.cost.saturating_sub(self.cost)
    }

    /// How much to charge in addition.
    pub const fn extra(&self) -> u32 {
        self.cost.saturating_sub(self.receipt.cost)
    }
}
