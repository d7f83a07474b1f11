//! A request that was decided, on its way to being settled.

use smallvec::SmallVec;

use super::claim::{Claim, Claims};
use super::fallback::Stamps;
use super::plan::Plan;
use crate::decision::{Decision, Outcome};
use crate::store::{Source, Stamp, Verdict};

/// The decision about a request and the proofs of what it was charged.
#[derive(Debug)]
pub(crate) struct Admission {
    decision: Decision,
    /// In the order of the limits in the decision.
    claims: Claims,
    charged: SmallVec<[Charged; 2]>,
    by: By,
}

/// Which charges can be corrected after the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Correctable {
    /// Those of limits that settle by the response.
    ByResponse,
    /// All, by whoever asked.
    All,
}

/// One charge that may be corrected.
#[derive(Debug)]
struct Charged {
    /// The place of its claim.
    claim: usize,
    stamp: Stamp,
}

/// Who has decided.
#[derive(Debug)]
pub(super) enum By {
    /// The store; what it admitted may have been noted here too.
    Store { noted: Stamps },
    /// This instance, by its share; whether the store must be told of what turns out later.
    Fallback { owed: bool },
}

/// A charge to be corrected. What is left to write on its receipts is in the plan.
#[derive(Debug)]
pub(super) struct Correction<'a> {
    pub(super) claim: &'a Claim,
    /// Its stamp in the store, unless the store could not tell.
    pub(super) in_store: Option<Stamp>,
    /// Its stamp in this instance's share, if it was counted there.
    pub(super) in_share: Option<Stamp>,
    /// Whether the store must be told of it.
    pub(super) owed: bool,
    /// What it should have been.
    pub(super) cost: u32,
}

impl Admission {
    /// A request that no limit applies to.
    pub(super) fn unlimited() -> Self {
        Self::without_limits(Outcome::Allowed, Source::NO_LIMIT)
    }

    /// What the limits decide by their own policy.
    pub(super) fn undecided(outcome: Outcome) -> Self {
        Self::without_limits(outcome, Source::STORE_ERROR)
    }

    fn without_limits(outcome: Outcome, source: Source) -> Self {
        Self {
            decision: Decision::new(outcome, source),
            claims: Claims::new(),
            charged: SmallVec::new(),
            by: By::Store {
                noted: Stamps::new(),
            },
        }
    }

    /// What follows from an answer.
    pub(super) fn decided(
        plan: &Plan,
        claims: Claims,
        verdict: &Verdict,
        by: By,
        correctable: Correctable,
    ) -> Self {
        let outcome = if verdict.admitted() {
            Outcome::Allowed
        } else {
            Outcome::Refused
        };
        let mut decision = Decision::new(outcome, verdict.source());
        let mut charged = SmallVec::new();
        for (index, (claim, reading)) in claims.iter().zip(verdict.readings()).enumerate() {
            let planned = plan.planned(claim.limit);
            decision.push(match by {
                By::Store { .. } => planned.state(claim.cost, reading),
                By::Fallback { .. } => planned.state_of_share(claim.cost, reading),
            });
            if let Some(stamp) = reading.stamp()
                && (correctable == Correctable::All || planned.settles())
            {
                charged.push(Charged {
                    claim: index,
                    stamp,
                });
            }
        }
        Self {
            decision,
            claims,
            charged,
            by,
        }
    }

    pub(crate) const fn decision(&self) -> &Decision {
        &self.decision
    }

    pub(crate) fn into_decision(self) -> Decision {
        self.decision
    }

    pub(super) fn is_settled(&self) -> bool {
        self.charged.is_empty()
    }

    /// Hands over the charges with what they should have been, of which the decision takes note.
    pub(super) fn settle(
        &mut self,
        cost_of: impl Fn(usize) -> Option<u32>,
        mut correct: impl FnMut(&Correction<'_>),
    ) {
        for Charged {
            claim: index,
            stamp,
        } in self.charged.drain(..)
        {
            let claim = &self.claims[index];
            let Some(cost) = cost_of(claim.limit) else {
                continue;
            };
            self.decision.settled(index, cost);
            let (in_store, in_share, owed) = match &self.by {
                By::Store { noted } => (Some(stamp), noted.get(index).copied().flatten(), false),
                By::Fallback { owed } => (None, Some(stamp), *owed),
            };
            correct(&Correction {
                claim,
                in_store,
                in_share,
                owed,
                cost,
            });
        }
    }
}
