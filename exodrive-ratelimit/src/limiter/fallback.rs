//! What decides while the store cannot.
//!
//! Each instance has a share of every limit, counted in its own memory. Everything it admits is counted there, whoever
//! decided: what the store admits as well, so that a store that comes and goes hands out no fresh share each time.
//! In any window `n` instances therefore admit at most the limit by the store and `n` shares by themselves.

use std::collections::HashSet;
use std::fmt;
use std::mem;

use parking_lot::Mutex;
use smallvec::SmallVec;

use super::claim::Claims;
use super::plan::Plan;
use crate::store::{Charge, MemoryStore, Receipt, Settlement, Source, Stamp, Verdict};
use crate::{Rule, Subject};

/// How many limits and subjects are remembered to owe the store something. What others took meanwhile is let go.
const MAX_DEBTORS: usize = 10_000;

/// When and what each claim was charged here; `None` for what was not.
pub(super) type Stamps = Vec<Option<Stamp>>;

pub(super) struct Fallback {
    shares: MemoryStore,
    owed: Mutex<Owed>,
}

/// What was admitted here and not by the store.
struct Owed {
    taken: MemoryStore,
    /// By the limit's place in the plan.
    debtors: HashSet<(usize, Subject)>,
}

impl Default for Fallback {
    fn default() -> Self {
        Self {
            shares: MemoryStore::default(),
            owed: Mutex::new(Owed::nothing()),
        }
    }
}

impl Fallback {
    /// Counts what the store has admitted.
    pub(super) fn note(&self, plan: &Plan, claims: &Claims) -> Stamps {
        let charges = claims
            .iter()
            .map(|claim| plan.planned(claim.limit).charge_to_share(claim, true));
        let charges: SmallVec<[Charge<'_>; 2]> = charges.collect();
        let noted = self.shares.verdict(&charges);
        noted
            .readings()
            .iter()
            .map(|reading| reading.stamp())
            .collect()
    }

    /// Decides in the place of the store.
    pub(super) fn decide(&self, plan: &Plan, claims: &Claims) -> Verdict {
        let charges = claims.iter().map(|claim| {
            plan.planned(claim.limit)
                .charge_to_share(claim, claim.shadow)
        });
        let charges: SmallVec<[Charge<'_>; 2]> = charges.collect();
        self.shares.verdict(&charges).decided_by(Source::FALLBACK)
    }

    pub(super) fn forget(&self, plan: &Plan, claims: &Claims) {
        for claim in claims {
            let planned = plan.planned(claim.limit);
            self.shares.forget(&planned.charge_to_share(claim, true));
        }
    }

    pub(super) fn correct(&self, settlement: &Settlement) {
        self.shares.correct(settlement);
    }

    /// Remembers what the store will have to be told of.
    pub(super) fn owe(&self, plan: &Plan, limit: usize, subject: &Subject, cost: u32) {
        let mut owed = self.owed.lock();
        let debtor = (limit, subject.clone());
        if owed.debtors.len() < MAX_DEBTORS || owed.debtors.contains(&debtor) {
            owed.debtors.insert(debtor);
            let planned = plan.planned(limit);
            let rule = planned.rule();
            owed.taken
                .verdict(&[Charge::new(planned.name(), subject, &rule, cost, true)]);
        }
    }

    /// What the store has to be told of, now that it answers: of everything taken meanwhile, what still counts.
    pub(super) fn debits(&self, plan: &Plan) -> Vec<Debit> {
        let Owed { taken, debtors } = mem::replace(&mut *self.owed.lock(), Owed::nothing());
        let debits = debtors.into_iter().map(|(limit, subject)| {
            let planned = plan.planned(limit);
            let taken = in_use(&taken, planned.name(), &subject, planned.rule());
            Debit {
                limit,
                subject,
                taken,
            }
        });
        debits.filter(|debit| debit.taken > 0).collect()
    }
}

/// What somebody has taken of a limit and the store has not been told of.
pub(super) struct Debit {
    pub(super) limit: usize,
    pub(super) subject: Subject,
    pub(super) taken: u32,
}

impl Debit {
    pub(super) fn settlement(&self, plan: &Plan) -> Option<Settlement> {
        let planned = plan.planned(self.limit);
        let nothing = Stamp {
            at: 0,
            level: 0,
            place: 0,
        };
        let name = planned.shared_name();
        Receipt::new(name, self.subject.clone(), planned.rule(), 0, nothing).settle(self.taken)
    }
}

fn in_use(store: &MemoryStore, limit: &str, subject: &Subject, rule: Rule) -> u32 {
    let look = [Charge::new(limit, subject, &rule, 0, true)];
    let verdict = store.verdict(&look);
    let left = verdict.readings().iter().map(|reading| reading.remaining());
    rule.max() - left.min().unwrap_or(rule.max()).min(rule.max())
}

impl Owed {
    fn nothing() -> Self {
        Self {
            taken: MemoryStore::with_max_keys(MAX_DEBTORS),
            debtors: HashSet::new(),
        }
    }
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("shares", &self.shares)
            .finish_non_exhaustive()
    }
}
