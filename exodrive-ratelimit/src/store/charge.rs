//! What a store is asked, and what it answers.

use smallvec::{SmallVec, smallvec};

use super::{Fingerprint, LimitKeys};
use crate::decision::Source;
use crate::reading::Reading;
use crate::{Rule, Subject};

/// What one limit asks of one request.
#[derive(Clone, Copy, Debug)]
pub struct Charge<'a> {
    limit: &'a str,
    keys: LimitKeys,
    subject: &'a Subject,
    rule: &'a Rule,
    cost: u32,
    shadow: bool,
}

impl<'a> Charge<'a> {
    pub(crate) fn new(
        limit: &'a str,
        subject: &'a Subject,
        rule: &'a Rule,
        cost: u32,
        shadow: bool,
    ) -> Self {
        Self::keyed(limit, LimitKeys::of(limit), subject, rule, cost, shadow)
    }

    /// The same where the limit's keys are known already.
    pub(crate) const fn keyed(
        limit: &'a str,
        keys: LimitKeys,
        subject: &'a Subject,
        rule: &'a Rule,
        cost: u32,
        shadow: bool,
    ) -> Self {
        Self {
            limit,
            keys,
            subject,
            rule,
            cost,
            shadow,
        }
    }

    /// The same charge at another cost.
    pub(crate) const fn costing(self, cost: u32) -> Self {
        Self { cost, ..self }
    }

    /// The limit's name; with the subject, the key of what is counted.
    pub const fn limit(&self) -> &'a str {
        self.limit
    }

    /// What stands for the limit and the subject in memory.
    #[inline]
    pub(crate) fn key(&self) -> Fingerprint {
        self.keys.key(self.subject)
    }

    pub(crate) const fn keys(&self) -> LimitKeys {
        self.keys
    }

    /// Who is charged.
    pub const fn subject(&self) -> &'a Subject {
        self.subject
    }

    /// How the limit counts.
    pub const fn rule(&self) -> Rule {
        *self.rule
    }

    /// How much is charged. Zero always fits.
    pub const fn cost(&self) -> u32 {
        self.cost
    }

    /// Whether the charge is only watched: it cannot make the store refuse.
    pub const fn is_shadow(&self) -> bool {
        self.shadow
    }
}

/// A store's answer for all charges of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    admitted: bool,
    readings: SmallVec<[Reading; 2]>,
    source: Source,
    orders: Option<u64>,
}

impl Verdict {
    /// An answer with one reading for each charge, in their order.
    pub fn new(
        source: Source,
        admitted: bool,
        readings: impl IntoIterator<Item = Reading>,
    ) -> Self {
        Self {
            admitted,
            readings: readings.into_iter().collect(),
            source,
            orders: None,
        }
    }

    /// The same for a single charge.
    pub(crate) fn of_one(source: Source, admitted: bool, reading: Reading) -> Self {
        Self {
            admitted,
            readings: smallvec![reading],
            source,
            orders: None,
        }
    }

    /// The same answer in another's name.
    pub(crate) fn decided_by(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The same answer with the version of the orders that the store's ledger held then.
    #[cfg(feature = "redis")]
    pub(crate) fn with_orders(self, version: u64) -> Self {
        Self {
            orders: Some(version),
            ..self
        }
    }

    /// The version of the orders in the store's ledger, if the store has looked.
    pub(crate) const fn orders(&self) -> Option<u64> {
        self.orders
    }

    /// Whether every charge that is not shadow fits.
    pub const fn admitted(&self) -> bool {
        self.admitted
    }

    /// One reading for each charge, in their order.
    pub fn readings(&self) -> &[Reading] {
        &self.readings
    }

    /// Who decided.
    pub const fn source(&self) -> Source {
        self.source
    }
}
