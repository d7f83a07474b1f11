//! A request that was decided, on its way to being settled.

use super::claim::{Claim, Claims};
use super::fallback::Stamps;
use super::plan::Plan;
use super::planned::Planned;
use crate::decision::{Bar, Decision, Outcome};
use crate::store::{Source, Stamp, Verdict};

/// The answer for a request and the proofs of what it was charged.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(super) claims: Claims,
    /// With a reading for each claim, in their order.
    pub(super) verdict: Verdict,
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

/// Who has decided.
#[derive(Debug)]
pub(super) enum By {
    /// Nobody: the limits say what holds then.
    Nobody,
    /// The store; what it admitted may have been noted here too.
    Store { noted: Stamps },
    /// Nobody: whoever asks is on a list, and perhaps kept out.
    List(Option<Box<(Outcome, Bar)>>),
    /// This instance, by its share; whether the store must be told of what turns out later.
    Fallback { owed: bool },
}

/// A charge to be corrected. What is left to write on its receipts is in the plan.
#[derive(Debug)]
pub(super) struct Correction<'a> {
    /// The place of its limit in the decision.
    pub(super) place: usize,
    pub(super) claim: &'a Claim,
    /// Its stamp in the store, unless the store could not tell.
    pub(super) in_store: Option<Stamp>,
    /// Its stamp in this instance's share, if it was counted there.
    pub(super) in_share: Option<Stamp>,
    /// Whether the store must be told of it.
    pub(super) owed: bool,
}

impl Admission {
    #[inline]
    pub(super) const fn new(claims: Claims, verdict: Verdict, by: By) -> Self {
        Self {
            claims,
            verdict,
            by,
        }
    }

    /// Takes an answer to its claims that took no waiting.
    #[inline]
    pub(super) fn answered(&mut self, verdict: Verdict) {
        let noted = Stamps::new();
        self.verdict = verdict;
        self.by = By::Store { noted };
    }

    /// What the limits decide by their own policy.
    pub(super) fn undecided(admitted: bool) -> Self {
        let verdict = Verdict::new(Source::STORE_ERROR, admitted, []);
        Self::new(Claims::new(), verdict, By::Nobody)
    }

    /// No limit applies, unless claims are put to it that have yet to be answered.
    #[inline]
    pub(crate) fn unlimited() -> Self {
        let verdict = Verdict::new(Source::NO_LIMIT, true, []);
        Self::new(Claims::new(), verdict, By::Nobody)
    }

    /// Somebody who is not limited.
    pub(super) fn listed() -> Self {
        let verdict = Verdict::new(Source::LIST, true, []);
        Self::new(Claims::new(), verdict, By::List(None))
    }

    /// Somebody who is kept out.
    pub(super) fn barred(outcome: Outcome, bar: Bar) -> Self {
        let verdict = Verdict::new(Source::LIST, false, []);
        let by = By::List(Some(Box::new((outcome, bar))));
        Self::new(Claims::new(), verdict, by)
    }

    /// What is still to be decided.
    pub(crate) fn into_claims(self) -> Claims {
        self.claims
    }

    #[inline]
    pub(crate) fn outcome(&self) -> Outcome {
        if let By::List(Some(barred)) = &self.by {
            return barred.0;
        }
        match (self.verdict.admitted(), &self.by) {
            (true, _) => Outcome::Allowed,
            (false, By::Nobody) => Outcome::Unavailable,
            (false, _) => Outcome::Refused,
        }
    }

    /// The decision, which is made only for those who want to know.
    pub(crate) fn decision(&self, plan: &Plan) -> Decision {
        if let By::List(Some(barred)) = &self.by {
            let (outcome, bar) = &**barred;
            return Decision::new(*outcome, Source::LIST, []).barred(bar.clone());
        }
        let answers = self.claims.iter().zip(self.verdict.readings());
        let limits = answers.map(|(claim, reading)| {
            let planned = plan.planned(claim.limit);
            match self.by {
                By::Fallback { .. } => planned.state_of_share(claim, reading),
                By::Nobody | By::List(_) | By::Store { .. } => planned.state(claim, reading),
            }
        });
        Decision::new(self.outcome(), self.verdict.source(), limits)
    }

    /// Whether a response can correct anything.
    pub(crate) fn settles(&self, plan: &Plan) -> bool {
        let mut limits = self.claims.iter().map(|claim| plan.planned(claim.limit));
        limits.any(Planned::settles)
    }

    /// What was charged and can be corrected.
    pub(super) fn corrections(&self) -> impl Iterator<Item = Correction<'_>> {
        let answers = self.claims.iter().zip(self.verdict.readings()).enumerate();
        answers.filter_map(|(place, (claim, reading))| {
            let stamp = reading.stamp()?;
            let (in_store, in_share, owed) = match &self.by {
                By::Nobody | By::List(_) => return None,
                By::Store { noted } => (Some(stamp), noted.get(place).copied().flatten(), false),
                By::Fallback { owed } => (None, Some(stamp), *owed),
            };
            Some(Correction {
                place,
                claim,
                in_store,
                in_share,
                owed,
            })
        })
    }
}
