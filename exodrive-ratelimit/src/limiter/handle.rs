//! The handle that everything else asks.

use std::fmt;
use std::sync::{Arc, OnceLock};

use http::request::Parts;
use http::response;

use super::admission::{By, Correction};
use super::denied::Denied;
use super::fallback::{Fallback, Stamps};
use super::plan::{Claim, Claims, Plan};
use super::{Admission, Builder, Correctable, Permit};
use crate::decision::Outcome;
use crate::limit::OnStoreError;
use crate::store::{Settlement, Store, StoreError};
use crate::{RateLimited, Subject};

/// The limits of a service and the store they are kept in.
///
/// Cloning is cheap, and clones are the same limiter. Limiters that share a store share the counters of limits that
/// have the same name.
pub struct RateLimiter<St> {
    shared: Arc<Shared<St>>,
}

struct Shared<St> {
    plan: Plan,
    store: St,
    // Both are made when a store is first waited for: one that answers at once does not fail and is asked each time.
    denied: OnceLock<Denied>,
    fallback: OnceLock<Fallback>,
}

impl<St: Store> RateLimiter<St> {
    /// Starts a limiter that counts in `store`.
    pub fn builder(store: St) -> Builder<St> {
        Builder::new(store)
    }

    pub(super) fn new(plan: Plan, store: St) -> Self {
        Self {
            shared: Arc::new(Shared {
                plan,
                store,
                denied: OnceLock::new(),
                fallback: OnceLock::new(),
            }),
        }
    }

    /// Asks outside of HTTP: for a job, a message, a number of tokens.
    ///
    /// A limit applies if the subject alone says so: limits [`by_subject`](crate::Limit::by_subject) always, limits
    /// [`by_ip`](crate::Limit::by_ip) to addresses, limits [`by_user`](crate::Limit::by_user) to all other subjects, limits
    /// [`by_user_or_ip`](crate::Limit::by_user_or_ip) to both. Limits that must look at a request ([`by`](crate::Limit::by),
    /// [`on`](crate::Limit::on)) never do. Each limit that applies is charged `cost`, whatever it charges requests.
    ///
    /// ```
    /// use exodrive_ratelimit::{Limit, MINUTE, MemoryStore, RateLimiter, Subject};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tokens = RateLimiter::builder(MemoryStore::default())
    ///     .limit(Limit::sliding_window("tokens", 1_000, MINUTE).by_subject())
    ///     .build()?;
    ///
    /// let permit = tokens.check(Subject::user("42"), 800).await?;
    /// assert!(tokens.check(Subject::user("42"), 800).await.is_err());
    ///
    /// permit.settle(200).await?;
    /// assert!(tokens.check(Subject::user("42"), 800).await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If a limit has no room, or if the store cannot tell and a limit says to refuse then; nothing is charged. Which
    /// it is, is in the [`outcome`](crate::Decision::outcome) of the [`decision`](RateLimited::decision).
    pub async fn check(&self, subject: Subject, cost: u32) -> Result<Permit<St>, RateLimited> {
        let claims = self.shared.plan.claims_of_subject(&subject, cost);
        let admission = match self.decide_now(claims, Correctable::All) {
            Ok(admission) => admission,
            Err(claims) => self.decide(claims, Correctable::All).await,
        };
        if admission.decision().outcome() == Outcome::Allowed {
            Ok(Permit::new(self.clone(), admission))
        } else {
            Err(RateLimited::new(admission.into_decision()))
        }
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.shared.plan
    }

    pub(crate) fn claims(&self, parts: &Parts) -> Claims {
        self.shared.plan.claims_of_request(parts)
    }

    /// The decision, if it takes no waiting; the claims otherwise.
    pub(crate) fn decide_now(
        &self,
        mut claims: Claims,
        correctable: Correctable,
    ) -> Result<Admission, Claims> {
        if claims.is_empty() {
            return Ok(Admission::unlimited());
        }
        let Shared { plan, store, .. } = &*self.shared;
        let verdict = store.check_now(&plan.charges(&claims));
        let verdict = verdict.or_else(|| self.denied().repeat(plan, &mut claims));
        match verdict {
            Some(verdict) => {
                let by = By::Store {
                    noted: Stamps::new(),
                };
                Ok(Admission::decided(plan, claims, &verdict, by, correctable))
            }
            None => Err(claims),
        }
    }

    pub(crate) async fn decide(&self, claims: Claims, correctable: Correctable) -> Admission {
        let Shared { plan, store, .. } = &*self.shared;
        let asked_at = self.denied().now();
        let answer = {
            let charges = plan.charges(&claims);
            store.check(&charges).await
        };
        match answer {
            Ok(verdict) => {
                if plan.doubts.store_recovered() {
                    self.pay_back().await;
                }
                if !verdict.admitted() {
                    let corrected = correctable == Correctable::All;
                    self.denied()
                        .note(plan, &claims, &verdict, asked_at, corrected);
                }
                let noted = match self.fallback() {
                    Some(fallback) if verdict.admitted() => fallback.note(plan, &claims),
                    _ => Stamps::new(),
                };
                let by = By::Store { noted };
                Admission::decided(plan, claims, &verdict, by, correctable)
            }
            Err(error) => {
                plan.doubts.store_failed(&error);
                self.decide_alone(claims, correctable, &error)
            }
        }
    }

    /// Decides without the store, by what each limit says of that.
    fn decide_alone(
        &self,
        claims: Claims,
        correctable: Correctable,
        error: &StoreError,
    ) -> Admission {
        let plan = &self.shared.plan;
        let policy = |claim: &Claim| plan.planned(claim.limit).on_store_error();
        let denies = |claim: &Claim| {
            policy(claim) == OnStoreError::Deny && !plan.planned(claim.limit).is_shadow()
        };
        if claims.iter().any(denies) {
            return Admission::undecided(Outcome::Unavailable);
        }
        let mut claims = claims;
        claims.retain(|claim| policy(claim) == OnStoreError::Local);
        let Some(fallback) = self.fallback().filter(|_| !claims.is_empty()) else {
            return Admission::undecided(Outcome::Allowed);
        };
        let verdict = fallback.decide(plan, &claims);
        // What settles by the response is owed once it is known.
        let known =
            |claim: &Claim| correctable == Correctable::All || !plan.planned(claim.limit).settles();
        let owed = !error.may_have_charged();
        for (claim, reading) in claims.iter().zip(verdict.readings()) {
            if owed && reading.stamp().is_some() && known(claim) {
                fallback.owe(plan, claim, claim.cost);
            }
        }
        let by = By::Fallback {
            owed: owed && correctable == Correctable::ByResponse,
        };
        Admission::decided(plan, claims, &verdict, by, correctable)
    }

    /// Tells the store what was admitted without it.
    async fn pay_back(&self) {
        let Some(fallback) = self.fallback() else {
            return;
        };
        let mut debits = fallback.debits(&self.shared.plan).into_iter();
        loop {
            // A store settles what it is given in one go, in which it should not be busy for long.
            let some: Vec<Settlement> = debits.by_ref().take(64).collect();
            if some.is_empty() || self.shared.store.settle(some).await.is_err() {
                return;
            }
        }
    }

    fn denied(&self) -> &Denied {
        self.shared.denied.get_or_init(Denied::default)
    }

    fn fallback(&self) -> Option<&Fallback> {
        let Shared { plan, fallback, .. } = &*self.shared;
        plan.falls_back()
            .then(|| fallback.get_or_init(Fallback::default))
    }

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

    pub(super) fn store(&self) -> &St {
        &self.shared.store
    }
}

impl<St> Clone for RateLimiter<St> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<St: fmt::Debug> fmt::Debug for RateLimiter<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("plan", &self.shared.plan)
            .field("store", &self.shared.store)
            .finish()
    }
}
