//! The handle that everything else asks.

use std::fmt;
use std::sync::{Arc, OnceLock};

use http::request::Parts;
use tokio::task::JoinSet;

use super::claim::{Claims, Orders, Progress};
use super::denied::Denied;
use super::fallback::Fallback;
use super::leases::Leases;
use super::plan::Plan;
use super::watch::Watch;
use super::{Admission, Builder, Correctable, Permit};
use crate::control::Entry;
#[cfg(feature = "metrics")]
use crate::meters::Meters;
use crate::store::Store;
use crate::{RateLimited, Subject};

/// The limits of a service and the store they are kept in.
///
/// Cloning is cheap, and clones are the same limiter. Limiters that share a store share the counters of limits that
/// have the same name.
pub struct RateLimiter<St> {
    pub(super) shared: Arc<Shared<St>>,
}

pub(super) struct Shared<St> {
    pub(super) plan: Plan,
    pub(super) store: St,
    pub(super) watch: Watch,
    pub(super) leases: Leases,
    #[cfg(feature = "metrics")]
    pub(super) meters: Meters,
    pub(super) polling: OnceLock<JoinSet<()>>,
    // Both are made when a store is first waited for: one that answers at once does not fail and is asked each time.
    denied: OnceLock<Denied>,
    fallback: OnceLock<Fallback>,
}

impl<St: Store> RateLimiter<St> {
    /// Starts a limiter that counts in `store`.
    pub fn builder(store: St) -> Builder<St> {
        Builder::new(store)
    }

    pub(super) fn new(plan: Plan, store: St, configured: Vec<Entry>) -> Self {
        Self {
            shared: Arc::new(Shared {
                watch: Watch::new(store.ledger(), configured),
                leases: Leases::default(),
                #[cfg(feature = "metrics")]
                meters: Meters::new(plan.names()),
                plan,
                polling: OnceLock::new(),
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
        // What is not needed while waiting is gone by then, so that the future stays small.
        let waiting = {
            let mut permit = Permit::new(self.clone(), Admission::unlimited());
            let progress = self.under_orders(&mut permit.admission, |orders, admission| {
                let plan = &self.shared.plan;
                plan.asked_by_subject(subject, cost, orders, admission)
            });
            if progress != Progress::Undecided {
                return permit.if_allowed();
            }
            Box::pin(self.decide(permit.admission.into_claims(), Correctable::All))
        };
        Permit::new(self.clone(), waiting.await).if_allowed()
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.shared.plan
    }

    /// Decides about a request, as far as that takes no waiting.
    pub(crate) fn decide_now(&self, parts: &Parts, admission: &mut Admission) -> Progress {
        self.under_orders(admission, |orders, admission| {
            let plan = &self.shared.plan;
            plan.asked_by_request(parts, orders, admission)
        })
    }

    #[inline]
    fn under_orders(
        &self,
        admission: &mut Admission,
        ask: impl FnOnce(Option<Orders<'_>>, &mut Admission) -> Progress,
    ) -> Progress {
        let watch = &self.shared.watch;
        let progress = if watch.is_quiet() {
            ask(None, admission)
        } else {
            let snapshot = &**watch.current();
            let now = watch.ledger.now();
            let progress = ask(Some(Orders { snapshot, now }), admission);
            #[cfg(feature = "metrics")]
            if progress == Progress::Decided {
                crate::meters::listed(admission.outcome());
            }
            progress
        };
        if progress == Progress::Undecided {
            return self.answer_now(admission);
        }
        progress
    }

    pub(super) fn denied(&self) -> &Denied {
        self.shared.denied.get_or_init(Denied::default)
    }

    /// Forgets what was refused to the subjects of these claims, for whom there may be room now.
    pub(super) fn forget_refusals(&self, claims: &Claims) {
        let Shared { plan, denied, .. } = &*self.shared;
        let Some(denied) = denied.get() else {
            return;
        };
        for claim in claims {
            denied.forget(plan.planned(claim.limit).key(&claim.subject));
        }
    }

    pub(super) fn fallback(&self) -> Option<&Fallback> {
        let Shared { plan, fallback, .. } = &*self.shared;
        plan.falls_back()
            .then(|| fallback.get_or_init(Fallback::default))
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
