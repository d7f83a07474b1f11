//! The handle of operators.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Entry, Event, Mode, Note, Order, Override, Whom};
use crate::limiter::RateLimiter;
use crate::store::{Store, StoreError};
use crate::{Decision, Subject};

/// What an operator can do while the service runs; made by [`RateLimiter::control`].
///
/// Orders are kept in the store and obeyed by all limiters that share it. In memory that is at once. In Redis every check
/// says whether there is anything new, so an instance obeys from the request after the next answer it gets, and one
/// that is idle asks every five seconds. Whatever has an end ends by itself.
///
/// Of several orders about a request, a [suspension](Self::suspend) counts first, then the allow list, then the deny list
/// and the bans, then the limits.
///
/// ```
/// use exodrive_ratelimit::{Limit, MINUTE, MemoryStore, Outcome, RateLimiter, Subject};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limiter = RateLimiter::builder(MemoryStore::default())
///     .limit(Limit::sliding_window("public", 60, MINUTE).by_subject())
///     .build()?;
/// let control = limiter.control().by("ada");
///
/// control.ban(Subject::user("mallory"), 15 * MINUTE, "scraping").await?;
/// let refused = limiter.check(Subject::user("mallory"), 1).await.unwrap_err();
/// assert_eq!(refused.decision().outcome(), Outcome::Banned);
/// assert_eq!(control.entries().await?[0].actor(), "ada");
///
/// control.unban(Subject::user("mallory")).await?;
/// assert!(limiter.check(Subject::user("mallory"), 1).await.is_ok());
/// # Ok(())
/// # }
/// ```
pub struct Control<St> {
    limiter: RateLimiter<St>,
    actor: Arc<str>,
}

impl<St: Store> Control<St> {
    pub(crate) fn new(limiter: RateLimiter<St>) -> Self {
        Self {
            limiter,
            actor: Arc::default(),
        }
    }

    /// The same handle in somebody's name, which is kept with every order and event.
    #[must_use]
    pub fn by(self, actor: impl Into<Arc<str>>) -> Self {
        Self {
            actor: actor.into(),
            ..self
        }
    }

    /// Keeps somebody out for a time: requests are answered 429 with `Retry-After`.
    ///
    /// # Errors
    ///
    /// If the order may not have been kept.
    pub async fn ban(
        &self,
        whom: impl Into<Whom>,
        lasting: Duration,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.order(Order::Ban(whom.into()), Some(lasting), reason)
            .await
    }

    /// Ends a ban.
    ///
    /// # Errors
    ///
    /// If the ban may still be kept.
    pub async fn unban(&self, whom: impl Into<Whom>) -> Result<(), StoreError> {
        self.lift(&Order::Ban(whom.into())).await
    }

    /// Lets somebody through without limits, for a time or, with `None`, until it is lifted.
    ///
    /// # Errors
    ///
    /// If the order may not have been kept.
    pub async fn allow(
        &self,
        whom: impl Into<Whom>,
        lasting: impl Into<Option<Duration>>,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.order(Order::Allow(whom.into()), lasting.into(), reason)
            .await
    }

    /// Takes somebody off the allow list. What the limiter was built with stays.
    ///
    /// # Errors
    ///
    /// If the order may still be kept.
    pub async fn lift_allow(&self, whom: impl Into<Whom>) -> Result<(), StoreError> {
        self.lift(&Order::Allow(whom.into())).await
    }

    /// Keeps somebody out, for a time or, with `None`, until it is lifted: requests are answered 403.
    ///
    /// # Errors
    ///
    /// If the order may not have been kept.
    pub async fn deny(
        &self,
        whom: impl Into<Whom>,
        lasting: impl Into<Option<Duration>>,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.order(Order::Deny(whom.into()), lasting.into(), reason)
            .await
    }

    /// Takes somebody off the deny list. What the limiter was built with stays.
    ///
    /// # Errors
    ///
    /// If the order may still be kept.
    pub async fn lift_deny(&self, whom: impl Into<Whom>) -> Result<(), StoreError> {
        self.lift(&Order::Deny(whom.into())).await
    }

    /// Gives a limit another size for somebody, or with `None` every limit, for a time or until it is lifted. What has
    /// been used counts on. An order about one limit goes before one about all.
    ///
    /// # Errors
    ///
    /// If the order may not have been kept.
    pub async fn resize(
        &self,
        whom: impl Into<Whom>,
        limit: Option<&str>,
        to: Override,
        lasting: impl Into<Option<Duration>>,
        reason: &str,
    ) -> Result<(), StoreError> {
        let order = Order::Override(whom.into(), limit.map(Into::into), to);
        self.order(order, lasting.into(), reason).await
    }

    /// Gives a limit, or with `None` those that were ordered for all limits, its size back.
    ///
    /// # Errors
    ///
    /// If the order may still be kept.
    pub async fn lift_resize(
        &self,
        whom: impl Into<Whom>,
        limit: Option<&str>,
    ) -> Result<(), StoreError> {
        let limit = limit.map(Into::into);
        let order = Order::Override(whom.into(), limit, Override::unlimited());
        self.lift(&order).await
    }

    /// Makes a limit enforce, watch or do nothing, whatever it was built to do, for a time or until it is lifted.
    ///
    /// # Errors
    ///
    /// If the order may not have been kept.
    pub async fn set_mode(
        &self,
        limit: &str,
        mode: Mode,
        lasting: impl Into<Option<Duration>>,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.order(Order::Mode(limit.into(), mode), lasting.into(), reason)
            .await
    }

    /// Makes a limit do again what it was built to do.
    ///
    /// # Errors
    ///
    /// If the order may still be kept.
    pub async fn lift_mode(&self, limit: &str) -> Result<(), StoreError> {
        self.lift(&Order::Mode(limit.into(), Mode::Enforce)).await
    }

    /// What each limit does at the moment, in the order in which they were given to the limiter.
    ///
    /// # Errors
    ///
    /// If the store cannot tell.
    pub async fn modes(&self) -> Result<Vec<(String, Mode)>, StoreError> {
        self.limiter.refresh().await?;
        Ok(self.limiter.modes())
    }

    /// The kill switch: nothing is limited and nobody kept out, for a time or until it is lifted. Nothing is counted
    /// and no header is sent either.
    ///
    /// # Errors
    ///
    /// If the order may not have been kept.
    pub async fn suspend(
        &self,
        lasting: impl Into<Option<Duration>>,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.order(Order::Suspension, lasting.into(), reason).await
    }

    /// Ends a suspension.
    ///
    /// # Errors
    ///
    /// If the order may still be kept.
    pub async fn resume(&self) -> Result<(), StoreError> {
        self.lift(&Order::Suspension).await
    }

    /// Everything that is ordered at the moment, bans of penalties and what the limiter was built with included.
    ///
    /// # Errors
    ///
    /// If the store cannot tell.
    pub async fn entries(&self) -> Result<Vec<Arc<Entry>>, StoreError> {
        self.limiter.refresh().await?;
        Ok(self.limiter.orders_in_force())
    }

    /// Where somebody stands with every limit that may count them, charging nothing. Limits that look at a request
    /// ([`by`](crate::Limit::by), [`on`](crate::Limit::on)) are among them.
    ///
    /// # Errors
    ///
    /// If the store cannot tell.
    pub async fn peek(&self, subject: Subject) -> Result<Decision, StoreError> {
        self.limiter.refresh().await?;
        self.limiter.peek(&subject).await
    }

    /// Forgets what somebody has used of every limit, and their strikes and offences. A ban stays.
    ///
    /// # Errors
    ///
    /// If some of it may not be forgotten.
    pub async fn reset(&self, subject: Subject) -> Result<(), StoreError> {
        self.limiter.reset(&subject).await?;
        let about = format!("reset {}", self.limiter.plan().whom(&subject));
        self.limiter
            .record(Note::ordered(&about, &self.actor, ""))
            .await
    }

    /// Whom this instance has refused most, with about how often, most refused first; at most 128.
    pub fn top_refused(&self) -> Vec<(Subject, u64)> {
        self.limiter.top_refused()
    }

    /// The latest events, newest first. The store keeps about the last 10,000.
    ///
    /// # Errors
    ///
    /// If the store cannot tell.
    pub async fn recent_events(&self, most: usize) -> Result<Vec<Event>, StoreError> {
        self.limiter.recent_events(most).await
    }

    async fn order(
        &self,
        order: Order,
        lasting: Option<Duration>,
        reason: &str,
    ) -> Result<(), StoreError> {
        let note = Note::ordered(&order.id(), &self.actor, reason);
        tracing::info!(
            order = order.id(),
            ?lasting,
            reason,
            actor = &*self.actor,
            "ordered"
        );
        self.limiter
            .order(order, lasting, reason, &self.actor)
            .await?;
        self.limiter.record(note).await
    }

    async fn lift(&self, order: &Order) -> Result<(), StoreError> {
        let id = order.id();
        tracing::info!(order = id, actor = &*self.actor, "lifted");
        self.limiter.lift(&id).await?;
        self.limiter.record(Note::lifted(&id, &self.actor)).await
    }
}

// Derived, it would ask of the store to be `Clone`.
impl<St> Clone for Control<St> {
    fn clone(&self) -> Self {
        Self {
            limiter: self.limiter.clone(),
            actor: Arc::clone(&self.actor),
        }
    }
}

impl<St: fmt::Debug> fmt::Debug for Control<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("limiter", &self.limiter)
            .field("actor", &self.actor)
            .finish()
    }
}
