//! What operators ask of a limiter.

use std::sync::Arc;
use std::time::Duration;

use super::RateLimiter;
use super::claim::Orders;
use super::handle::Shared;
use crate::Subject;
use crate::control::{Access, Control, Entry, Event, Mode, Note, Order, Who};
use crate::decision::{Decision, Outcome};
use crate::store::{Store, StoreError};

/// Stands in the place of an order where nothing is ordered but everybody must take note: what has been refused may
/// be admitted now.
const RESET: &str = "reset";

impl<St: Store> RateLimiter<St> {
    /// The handle of operators.
    pub fn control(&self) -> Control<St> {
        Control::new(self.clone())
    }

    pub(crate) fn orders_in_force(&self) -> Vec<Arc<Entry>> {
        let watch = &self.shared.watch;
        watch.current().entries(watch.ledger.now())
    }

    pub(crate) fn modes(&self) -> Vec<(String, Mode)> {
        let Shared { plan, watch, .. } = &*self.shared;
        let snapshot = watch.current();
        let orders = Orders {
            snapshot: &snapshot,
            now: watch.ledger.now(),
        };
        let limits = plan.limits.iter();
        let modes = limits.map(|planned| (planned.name().to_owned(), planned.mode(Some(orders))));
        modes.collect()
    }

    pub(crate) async fn order(
        &self,
        order: Order,
        lasting: Option<Duration>,
        reason: &str,
        actor: &str,
    ) -> Result<(), StoreError> {
        #[cfg(feature = "metrics")]
        if matches!(order, Order::Ban(_)) {
            self.shared.meters.banned();
        }
        let ledger = &self.shared.watch.ledger;
        ledger.order(order, lasting, reason, actor).await?;
        self.refresh().await
    }

    pub(crate) async fn lift(&self, id: &str) -> Result<(), StoreError> {
        self.shared.watch.ledger.lift(id).await?;
        self.refresh().await
    }

    pub(crate) async fn record(&self, note: Note) -> Result<(), StoreError> {
        self.shared.watch.ledger.record(note).await
    }

    pub(crate) async fn recent_events(&self, most: usize) -> Result<Vec<Event>, StoreError> {
        self.shared.watch.ledger.events(most).await
    }

    pub(crate) fn top_refused(&self) -> Vec<(Subject, u64)> {
        self.shared.watch.top_refused()
    }

    pub(crate) async fn peek(&self, subject: &Subject) -> Result<Decision, StoreError> {
        let Shared {
            plan, store, watch, ..
        } = &*self.shared;
        let snapshot = watch.current().clone();
        let now = watch.ledger.now();
        let orders = Orders {
            snapshot: &snapshot,
            now,
        };
        let claims = plan.claims_about(subject, orders);
        let verdict = store.check(&plan.charges(&claims)).await?;
        let answers = claims.iter().zip(verdict.readings());
        let limits =
            answers.map(|(claim, reading)| plan.planned(claim.limit).state(claim, reading));
        let decision = |outcome| Decision::new(outcome, verdict.source(), limits);
        Ok(match snapshot.access(&Who::of(subject), now) {
            Access::Barred(outcome, bar) => decision(outcome).barred(bar),
            Access::Limited | Access::Unlimited => decision(Outcome::Allowed),
        })
    }

    pub(crate) async fn reset(&self, subject: &Subject) -> Result<(), StoreError> {
        let Shared {
            plan, store, watch, ..
        } = &*self.shared;
        let snapshot = watch.current().clone();
        let now = watch.ledger.now();
        let claims = plan.claims_about(
            subject,
            Orders {
                snapshot: &snapshot,
                now,
            },
        );
        store.reset(&plan.charges(&claims)).await?;
        if let Some(fallback) = self.fallback() {
            fallback.forget(plan, &claims);
        }
        self.forgive(subject).await?;
        self.lift(RESET).await
    }
}
