//! What takes part: the server's data, and the memory of an instance.

use super::super::record::Record;
use crate::Tag;
use crate::store::Invalidation;
use crate::store::ledger::{Mark, Validity};

/// What a record is about; the reader knows those of its own instance.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum About {
    Nothing,
    Hard,
    Soft,
    Elsewhere,
    Here,
}

pub(super) const MAX_RECORDS: usize = 10;
/// The journal: records with numbers that never repeat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Journal {
    pub(super) records: [(u8, About); MAX_RECORDS],
    pub(super) length: u8,
}

/// An entry with its stamp; the value is the version of the row that it was made of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stored {
    pub(super) value: u8,
    pub(super) era: u8,
    /// A hard number of 0 is none.
    pub(super) tag: (u8, u8),
}

/// What Redis holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Data {
    pub(super) tag: (u8, u8),
    /// A value of 0 is none.
    pub(super) entry: Stored,
    pub(super) journal: Journal,
}

/// The memory of the instance and its ledger.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    pub(super) head: u8,
    pub(super) floor: u8,
    pub(super) hard: u8,
    pub(super) soft: u8,
    /// A value of 0 is none.
    pub(super) value: u8,
    pub(super) position: u8,
    /// The number of the record that was read last; 0 before the first, when the memory is not used.
    pub(super) read: u8,
    /// Whether the connection of the reader is lost.
    pub(super) lost: bool,
}

impl About {
    pub(super) fn record(self) -> Option<Record> {
        let (how, tag) = match self {
            Self::Nothing => return None,
            Self::Hard | Self::Here => (Invalidation::Hard, "a"),
            Self::Soft => (Invalidation::Soft, "a"),
            Self::Elsewhere => (Invalidation::Hard, "b"),
        };
        let tags = vec![Tag::new(tag)];
        Some(Record { how, tags })
    }
}

impl Journal {
    pub(super) fn empty() -> Self {
        Self {
            records: [(0, About::Nothing); MAX_RECORDS],
            length: 0,
        }
    }

    pub(super) fn push(&mut self, record: (u8, About)) {
        self.records[usize::from(self.length)] = record;
        self.length += 1;
    }

    pub(super) fn newest(&self) -> u8 {
        let records = &self.records[..usize::from(self.length)];
        records.last().map_or(0, |(number, _)| *number)
    }

    /// Returns whether a record is still there, and those behind it.
    pub(super) fn since(&self, read: u8) -> (bool, &[(u8, About)]) {
        let records = &self.records[..usize::from(self.length)];
        let known = records.iter().take_while(|(number, _)| *number <= read);
        let known = known.count();
        let whole = known > 0 && records[known - 1].0 == read;
        (whole, &records[known..])
    }
}

impl Memory {
    pub(super) fn apply(&mut self, about: About) {
        self.head += 1;
        match about {
            About::Hard => self.hard = self.head,
            About::Soft => self.soft = self.head,
            About::Nothing | About::Elsewhere | About::Here => {}
        }
    }

    pub(super) fn forget_all(&mut self) {
        self.head += 1;
        self.floor = self.head;
        (self.hard, self.soft) = (0, 0);
    }

    pub(super) fn put(&mut self, value: u8, position: u8) {
        if self.judge(position) != Validity::Invalid {
            (self.value, self.position) = (value, position);
        }
    }

    pub(super) fn judge(&self, position: u8) -> Validity {
        let mark = Mark {
            hard: self.hard.into(),
            soft: self.soft.into(),
        };
        mark.judge(position.into(), self.floor.into(), self.head.into())
    }
}
