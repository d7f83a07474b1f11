//! What was decided about a request, as a value.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use crate::reading::Reading;
use crate::terms::Terms;
use crate::time::Wait;

/// What the limits decided about one request.
///
/// The middleware puts it into the extensions of every response it limited, where a surrounding limiter finds it and
/// [merges](Self::merge) it with its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    outcome: Outcome,
    limits: SmallVec<[LimitState; 2]>,
    source: Source,
    bar: Option<Box<Bar>>,
}

/// Why somebody is kept out, whatever the limits say, and for how much longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) reason: Arc<str>,
    pub(crate) wait: Wait,
}

/// How a request fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Outcome {
    /// Every limit that counts had room.
    Allowed,
    /// A limit had no room; nothing was charged.
    Refused,
    /// The store could not tell, and a limit says to refuse then.
    Unavailable,
    /// The client is banned for a time; nothing was charged.
    Banned,
    /// The client is on the deny list; nothing was charged.
    Denied,
}

impl Outcome {
    /// The outcome as a word: `allowed`, `refused`, `unavailable`, `banned` or `denied`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Banned => "banned",
            Self::Denied => "denied",
        }
    }
}

/// Who decided, as a short name fit for a log or a metric's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source(&'static str);

impl Source {
    /// The store in this process's memory.
    pub const MEMORY: Self = Self("memory");

    /// This instance, repeating a refusal of the store that still holds.
    pub const DENY_CACHE: Self = Self("deny cache");

    /// This instance by itself, while the store could not tell.
    pub const FALLBACK: Self = Self("fallback");

    /// This instance, from what it has taken of a hot limit in advance.
    pub const LEASE: Self = Self("lease");

    /// Nobody counted: the client is allowed, denied or banned by name.
    pub const LIST: Self = Self("list");

    /// A Redis server.
    pub const REDIS: Self = Self("redis");

    /// Nobody had to: no limit applied.
    pub const NO_LIMIT: Self = Self("no limit");

    /// The limits' own policy for when the store cannot tell.
    pub const STORE_ERROR: Self = Self("store error");

    /// Another store.
    pub const fn named(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    pub const fn as_str(&self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Decision {
    pub(crate) fn new(
        outcome: Outcome,
        source: Source,
        limits: impl IntoIterator<Item = LimitState>,
    ) -> Self {
        Self {
            outcome,
            limits: limits.into_iter().collect(),
            source,
            bar: None,
        }
    }

    /// The same of a client that is kept out.
    pub(crate) fn barred(self, bar: Bar) -> Self {
        Self {
            bar: Some(Box::new(bar)),
            ..self
        }
    }

    /// How the request fared.
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The limits that applied, in the order in which they were given, shadow limits among them.
    pub fn limits(&self) -> &[LimitState] {
        &self.limits
    }

    /// Who decided.
    pub const fn source(&self) -> Source {
        self.source
    }

    /// Why the client is banned or denied, in the words of whoever did it. Meant for logs, not for the client.
    pub fn reason(&self) -> Option<&str> {
        Some(&self.bar.as_ref()?.reason)
    }

    /// The limits that clients are told of: all but the shadow ones.
    pub(crate) fn enforced(&self) -> impl Iterator<Item = &LimitState> {
        self.limits.iter().filter(|limit| !limit.shadow)
    }

    /// Takes note that the charge of one of the limits has been corrected to `cost`.
    pub(crate) fn settled(&mut self, limit: usize, cost: u32) {
        if let Some(limit) = self.limits.get_mut(limit) {
            limit.settled(cost);
        }
    }

    /// The enforced limit closest to exhaustion: one that refuses before one that does not, then the one with the
    /// smallest part of its quota left.
    pub fn tightest(&self) -> Option<&LimitState> {
        self.enforced().min_by(|a, b| a.cmp_tightness(b))
    }

    /// After how long the request would be admitted if nobody else takes anything.
    ///
    /// The longest wait among the enforced limits that refuse; `None` if none refuses, or if one of them never admits
    /// this request because it costs more than the limit does. Of a client that is kept out, how long that lasts; `None`
    /// if it has no end.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Some(bar) = &self.bar {
            return bar.wait.length();
        }
        self.enforced()
            .filter(|limit| limit.refuses())
            .map(|limit| limit.retry_after)
            .max()?
            .length()
    }

    /// Adds what a limiter further in decided about the same request.
    ///
    /// The graver outcome stands. Where both decided a limit of the same name, the tighter state stands.
    #[must_use]
    pub fn merge(mut self, inner: Self) -> Self {
        self.outcome = self.outcome.max(inner.outcome);
        if self.limits.is_empty() {
            self.source = inner.source;
        }
        self.bar = self.bar.or(inner.bar);
        for limit in inner.limits {
            match self
                .limits
                .iter_mut()
                .find(|own| own.name() == limit.name())
            {
                Some(own) if limit.cmp_tightness(own) == Ordering::Less => *own = limit,
                Some(_) => {}
                None => self.limits.push(limit),
            }
        }
        self
    }

    /// The name of a limit that both decided: the sign of a limiter applied twice.
    pub(crate) fn limit_shared_with(&self, inner: &Self) -> Option<&str> {
        self.limits
            .iter()
            .map(LimitState::name)
            .find(|name| inner.limits.iter().any(|limit| limit.name() == *name))
    }

    /// The decision in words, for a log: which limit had how much left and why the request fared as it did.
    pub fn explain(&self) -> String {
        let mut text = match self.outcome {
            Outcome::Unavailable => "refused as the store could not tell",
            outcome => outcome.as_str(),
        }
        .to_owned();
        let _ = write!(text, " (decided by: {})", self.source);
        if let Some(Bar { reason, wait }) = self.bar.as_deref() {
            let _ = write!(text, ", because of {reason:?}");
            if let Some(wait) = wait.length() {
                let _ = write!(text, ", for {wait:?} more");
            }
        }
        for limit in &self.limits {
            let LimitState {
                remaining, cost, ..
            } = limit;
            let (name, max) = (limit.name(), limit.limit());
            let reset = limit.reset_after();
            let _ = write!(
                text,
                "; `{name}`: {remaining} of {max} left, cost {cost}, at rest in {reset:?}"
            );
            match limit.retry_after() {
                None => text.push_str(", never room for this cost"),
                Some(Duration::ZERO) => {}
                Some(wait) => {
                    let _ = write!(text, ", no room for {wait:?}");
                }
            }
            if limit.shadow {
                text.push_str(", watched only");
            }
        }
        text
    }
}

/// Where one limit stands after the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitState {
    terms: Arc<Terms>,
    remaining: u32,
    cost: u32,
    shadow: bool,
    reset_after: Wait,
    retry_after: Wait,
}

impl LimitState {
    pub(crate) fn new(terms: Arc<Terms>, cost: u32, shadow: bool, reading: &Reading) -> Self {
        let (retry_after, reset_after) = reading.waits();
        Self {
            terms,
            remaining: reading.remaining(),
            cost,
            shadow,
            reset_after,
            retry_after,
        }
    }

    /// The limit's name.
    pub fn name(&self) -> &str {
        self.terms.name()
    }

    /// The most that can be taken at once.
    pub fn limit(&self) -> u32 {
        self.terms.max()
    }

    /// The time that the limit is about: its window, or the time in which a used-up quota refills.
    pub fn window(&self) -> Duration {
        self.terms.window()
    }

    /// What can still be taken.
    pub const fn remaining(&self) -> u32 {
        self.remaining
    }

    /// After how long the whole quota is back.
    pub fn reset_after(&self) -> Duration {
        self.reset_after.length().unwrap_or(Duration::MAX)
    }

    /// After how long there is room for this request: zero if there is now, `None` if there never is.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after.length()
    }

    /// What the request cost, or would have cost.
    pub const fn cost(&self) -> u32 {
        self.cost
    }

    /// Whether the limit is only watched.
    pub const fn is_shadow(&self) -> bool {
        self.shadow
    }

    /// Whether the limit has no room for the request. A shadow limit says so too, without effect.
    pub fn refuses(&self) -> bool {
        self.retry_after != Wait::NONE
    }

    /// What the limit says of itself.
    pub(crate) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// When to look again: at the room for this request if there is none, at the whole quota otherwise.
    pub(crate) fn replenished_after(&self) -> Duration {
        match self.retry_after() {
            Some(wait) if self.refuses() => wait,
            _ => self.reset_after(),
        }
    }

    fn settled(&mut self, cost: u32) {
        let taken_back = self.remaining.saturating_add(self.cost).min(self.limit());
        self.remaining = taken_back.saturating_sub(cost);
        self.cost = cost;
    }

    fn cmp_tightness(&self, other: &Self) -> Ordering {
        let share = |own: &Self, of: &Self| u64::from(own.remaining) * u64::from(of.limit());
        (!self.refuses())
            .cmp(&!other.refuses())
            .then_with(|| share(self, other).cmp(&share(other, self)))
    }
}

#[cfg(test)]
mod tests;
