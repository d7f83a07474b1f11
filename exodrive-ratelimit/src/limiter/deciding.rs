//! How a request is decided: by the store, or without it.

use super::admission::By;
use super::claim::{Claim, Claims};
use super::fallback::Stamps;
use super::handle::Shared;
use super::{Admission, Correctable, Progress, RateLimiter};
use crate::limit::OnStoreError;
use crate::store::{Store, StoreError, Verdict};

impl<St: Store> RateLimiter<St> {
    /// Answers what is claimed, if that takes no waiting. A refusal that is repeated is about the claims that are left.
    #[inline]
    pub(super) fn answer_now(&self, admission: &mut Admission) -> Progress {
        let Shared { plan, store, .. } = &*self.shared;
        let claims = &mut admission.claims;
        let answer = match &**claims {
            // The most frequent case, in which nothing is to be collected.
            [claim] => store.check_now(&[plan.charge(claim)]),
            _ => store.check_now(&plan.charges(claims)),
        };
        match answer {
            Some(verdict) => admission.answered(verdict),
            None => match self.answer_known(claims) {
                Some(verdict) => admission.answered(verdict),
                None => return Progress::Undecided,
            },
        }
        self.note(&admission.claims, &admission.verdict);
        Progress::Decided
    }

    /// What follows from earlier answers of the store.
    fn answer_known(&self, claims: &mut Claims) -> Option<Verdict> {
        let plan = &self.shared.plan;
        self.spend(claims)
            .or_else(|| self.denied().repeat(plan, claims))
    }

    /// Takes note of an answer.
    #[inline]
    fn note(&self, claims: &Claims, verdict: &Verdict) {
        #[cfg(feature = "metrics")]
        for (claim, reading) in claims.iter().zip(verdict.readings()) {
            let meters = &self.shared.meters;
            meters.decided(claim.limit, claim.shadow, reading, verdict.source());
        }
        if !verdict.admitted() {
            self.note_refusal(claims, verdict);
        }
    }

    /// The answer that has to be waited for.
    pub(crate) async fn decide(&self, claims: Claims, correctable: Correctable) -> Admission {
        self.begin_to_poll();
        let asked_at = self.denied().now();
        let answer = self.ask(&claims).await;
        #[cfg(feature = "metrics")]
        {
            let took = self.denied().now().saturating_sub(asked_at);
            let took = std::time::Duration::from_micros(took);
            self.shared.meters.answered(took, answer.is_ok());
        }
        match answer {
            Ok(verdict) => {
                self.heed(&claims, &verdict, asked_at, correctable).await;
                let plan = &self.shared.plan;
                let noted = match self.fallback() {
                    Some(fallback) if verdict.admitted() => fallback.note(plan, &claims),
                    _ => Stamps::new(),
                };
                Admission::new(claims, verdict, By::Store { noted })
            }
            Err(error) => self.decide_alone(claims, correctable, &error),
        }
    }

    /// Does what follows from an answer of the store, asked at `asked_at`.
    async fn heed(
        &self,
        claims: &Claims,
        verdict: &Verdict,
        asked_at: u64,
        correctable: Correctable,
    ) {
        let plan = &self.shared.plan;
        if plan.doubts.store_recovered() {
            self.pay_back().await;
        }
        self.note(claims, verdict);
        if !verdict.admitted() {
            let corrected = correctable == Correctable::All;
            self.denied()
                .note(plan, claims, verdict, asked_at, corrected);
        }
        // After that, since what is new may make room for what has just been refused.
        self.keep_up(verdict).await;
    }

    /// Decides without the store, by what each limit says of that.
    fn decide_alone(
        &self,
        claims: Claims,
        correctable: Correctable,
        error: &StoreError,
    ) -> Admission {
        let plan = &self.shared.plan;
        plan.doubts.store_failed(error);
        let policy = |claim: &Claim| plan.planned(claim.limit).on_store_error();
        let denies = |claim: &Claim| policy(claim) == OnStoreError::Deny && !claim.shadow;
        if claims.iter().any(denies) {
            return undecided(false);
        }
        let mut claims = claims;
        claims.retain(|claim| policy(claim) == OnStoreError::Local);
        let Some(fallback) = self.fallback().filter(|_| !claims.is_empty()) else {
            return undecided(true);
        };
        let verdict = fallback.decide(plan, &claims);
        self.note(&claims, &verdict);
        // What settles by the response is owed once it is known.
        let known =
            |claim: &Claim| correctable == Correctable::All || !plan.planned(claim.limit).settles();
        let owed = !error.may_have_charged();
        for (claim, reading) in claims.iter().zip(verdict.readings()) {
            if owed && reading.stamp().is_some() && known(claim) {
                fallback.owe(plan, claim.limit, &claim.subject, claim.cost);
            }
        }
        let by = By::Fallback {
            owed: owed && correctable == Correctable::ByResponse,
        };
        Admission::new(claims, verdict, by)
    }

    /// Tells the store what was admitted without it. What gets lost on the way was within this instance's share; what the
    /// store has certainly not charged is told again when it has next recovered.
    async fn pay_back(&self) {
        let Some(fallback) = self.fallback() else {
            return;
        };
        let Shared { plan, store, .. } = &*self.shared;
        let debits = fallback.debits(plan);
        // A store settles what it is given in one go, in which it should not be busy for long.
        let mut parts = debits.chunks(64);
        while let Some(part) = parts.next() {
            let settlements = part.iter().filter_map(|debit| debit.settlement(plan));
            if let Err(error) = store.settle(settlements.collect()).await {
                let certain = if error.may_have_charged() { &[] } else { part };
                for debit in certain.iter().chain(parts.flatten()) {
                    fallback.owe(plan, debit.limit, &debit.subject, debit.taken);
                }
                return;
            }
        }
    }
}

fn undecided(admitted: bool) -> Admission {
    let admission = Admission::undecided(admitted);
    #[cfg(feature = "metrics")]
    crate::meters::undecided(admission.outcome());
    admission
}
