//! One order about who is limited and how, and the form in which it is kept.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::words::line;
use super::{Mode, Override, Whom};
use crate::time::Wait;

/// An order that is in force: what, about whom, until when, why and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    order: Order,
    /// In microseconds since 1970, by the clock of where it is kept.
    until: Option<u64>,
    reason: Arc<str>,
    actor: Arc<str>,
}

/// What an [`Entry`] orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryKind {
    /// Somebody is not limited at all.
    Allow,
    /// Somebody is kept out.
    Deny,
    /// Somebody is kept out for a time.
    Ban,
    /// Limits have another size for somebody.
    Override,
    /// A limit does something else than it was built to.
    Mode,
    /// Nothing is limited and nobody kept out.
    Suspension,
}

/// The same with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Allow(Whom),
    Deny(Whom),
    Ban(Whom),
    /// Of one limit, or of all.
    Override(Whom, Option<Arc<str>>, Override),
    Mode(Arc<str>, Mode),
    Suspension,
}

/// Stands for every limit.
pub(super) const ALL: &str = "*";

impl Order {
    pub(crate) const fn kind(&self) -> EntryKind {
        match self {
            Self::Allow(_) => EntryKind::Allow,
            Self::Deny(_) => EntryKind::Deny,
            Self::Ban(_) => EntryKind::Ban,
            Self::Override(..) => EntryKind::Override,
            Self::Mode(..) => EntryKind::Mode,
            Self::Suspension => EntryKind::Suspension,
        }
    }

    /// The line that tells the order from others: a later one of the same id takes its place.
    pub(crate) fn id(&self) -> String {
        let kind = self.kind().as_str();
        match self {
            Self::Allow(whom) | Self::Deny(whom) | Self::Ban(whom) => line([kind, &whom.word()]),
            Self::Override(whom, limit, _) => {
                line([kind, &whom.word(), limit.as_deref().unwrap_or(ALL)])
            }
            Self::Mode(limit, _) => line([kind, limit]),
            Self::Suspension => line([kind]),
        }
    }

    /// What the id does not say.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::Override(_, _, to) => to.word(),
            Self::Mode(_, mode) => mode.to_string(),
            Self::Allow(_) | Self::Deny(_) | Self::Ban(_) | Self::Suspension => String::new(),
        }
    }
}

impl EntryKind {
    /// The kind as a word: `allow`, `deny`, `ban`, `override`, `mode` or `suspension`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Ban => "ban",
            Self::Override => "override",
            Self::Mode => "mode",
            Self::Suspension => "suspension",
        }
    }
}

impl Entry {
    pub(crate) fn new(order: Order, until: Option<u64>, reason: &str, actor: &str) -> Self {
        Self {
            order,
            until,
            reason: reason.into(),
            actor: actor.into(),
        }
    }

    pub(crate) const fn order(&self) -> &Order {
        &self.order
    }

    pub(crate) fn shared_reason(&self) -> Arc<str> {
        Arc::clone(&self.reason)
    }

    /// How much longer it is in force; `None` if it is over.
    pub(crate) fn rest(&self, now: u64) -> Option<Wait> {
        match self.until {
            None => Some(Wait::FOR_EVER),
            Some(until) => (until > now).then(|| Wait::of_micros(until - now)),
        }
    }

    /// What it orders.
    pub const fn kind(&self) -> EntryKind {
        self.order.kind()
    }

    /// Whom it is about; `None` if it is about everybody.
    pub const fn whom(&self) -> Option<&Whom> {
        match &self.order {
            Order::Allow(whom)
            | Order::Deny(whom)
            | Order::Ban(whom)
            | Order::Override(whom, ..) => Some(whom),
            Order::Mode(..) | Order::Suspension => None,
        }
    }

    /// The limit it is about; `None` if it is about all.
    pub fn limit(&self) -> Option<&str> {
        match &self.order {
            Order::Override(_, limit, _) => limit.as_deref(),
            Order::Mode(limit, _) => Some(limit),
            Order::Allow(_) | Order::Deny(_) | Order::Ban(_) | Order::Suspension => None,
        }
    }

    /// When it ends, by the clock of where it is kept; `None` if it does not end by itself.
    pub fn until(&self) -> Option<SystemTime> {
        Some(SystemTime::UNIX_EPOCH + Duration::from_micros(self.until?))
    }

    /// Why, in the words of whoever ordered it.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Who ordered it: what was given to [`Control::by`](crate::Control::by), `penalty` or `configuration`.
    pub fn actor(&self) -> &str {
        &self.actor
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().as_str())?;
        if let Some(whom) = self.whom() {
            write!(f, " {whom}")?;
        }
        if let Some(limit) = self.limit() {
            write!(f, " `{limit}`")?;
        }
        match self.order.detail().as_str() {
            "" => {}
            detail => write!(f, " {detail}")?,
        }
        write!(f, " by {:?} because of {:?}", self.actor, self.reason)
    }
}
