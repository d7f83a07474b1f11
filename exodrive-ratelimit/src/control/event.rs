//! What an operator would want to have been told.

use std::fmt;
use std::time::SystemTime;

/// Something that happened to somebody: refusals, now and then, and every order and what lifted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    at: SystemTime,
    note: Note,
}

/// What kind of [`Event`] it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A subject has been refused; told at the 1st, 2nd, 4th, 8th … time.
    Refused,
    /// An order has been given.
    Ordered,
    /// An order has been lifted.
    Lifted,
}

/// An event without its time, which is that of where it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(super) kind: EventKind,
    pub(super) about: String,
    pub(super) by: String,
    pub(super) detail: String,
}

impl EventKind {
    /// The kind as a word: `refused`, `ordered` or `lifted`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Ordered => "ordered",
            Self::Lifted => "lifted",
        }
    }
}

impl Note {
    pub(crate) fn refused(subject: String, limit: &str, times: u64) -> Self {
        Self {
            kind: EventKind::Refused,
            about: subject,
            by: limit.to_owned(),
            detail: times.to_string(),
        }
    }

    pub(crate) fn ordered(order: &str, actor: &str, reason: &str) -> Self {
        Self {
            kind: EventKind::Ordered,
            about: order.to_owned(),
            by: actor.to_owned(),
            detail: reason.to_owned(),
        }
    }

    pub(crate) fn lifted(order: &str, actor: &str) -> Self {
        Self {
            kind: EventKind::Lifted,
            ..Self::ordered(order, actor, "")
        }
    }

    pub(crate) const fn at(self, at: SystemTime) -> Event {
        Event { at, note: self }
    }
}

impl Event {
    /// When it happened.
    pub const fn at(&self) -> SystemTime {
        self.at
    }

    /// What happened.
    pub const fn kind(&self) -> EventKind {
        self.note.kind
    }

    /// The subject that was refused, or the order that was given or lifted. It holds no API key.
    pub fn about(&self) -> &str {
        &self.note.about
    }

    /// The limit that refused, or whoever gave or lifted the order.
    pub fn by(&self) -> &str {
        &self.note.by
    }

    /// How many times the subject has been refused, or why the order was given.
    pub fn detail(&self) -> &str {
        &self.note.detail
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Note {
            kind,
            about,
            by,
            detail,
        } = &self.note;
        write!(f, "{about} {} by {by}: {detail}", kind.as_str())
    }
}
