//! The journal of invalidations, and what it says about a fill.

use std::time::Duration;

use exodrive_redis::{Command, StreamEntry};

use crate::Tag;
use crate::store::Invalidation;

/// One record of the journal.
///
/// An invalidation writes two with the same content: one before it changes the versions of the tags, one after. The
/// first tells fills that end meanwhile, the second tells the memories of other instances.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Record {
    pub(super) how: Invalidation,
    pub(super) tags: Vec<Tag>,
}

/// What has been added to the journal since a fill was opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since<'a> {
    /// Whether nothing that was added is missing.
    pub(super) whole: bool,
    pub(super) records: &'a [Record],
}

const HOW: &[u8] = b"how";
const TAG: &[u8] = b"tag";
const BY: &[u8] = b"by";
/// When, in microseconds by a clock that only the instance has that wrote it.
const AT: &[u8] = b"at";
/// Makes each record another one, even if a journal that was lost and begun anew numbers it the same.
const NONCE: &[u8] = b"nonce";

// === impl Record ===

impl Record {
    /// Adds the record to the journal at `key`, which is kept at about `length` records, in the name of
    /// the instance `by`, whose clock says `at`.
    pub(super) fn append(&self, key: &str, length: u64, by: u64, at: Duration) -> Command {
        let how: &[u8] = match self.how {
            Invalidation::Hard => b"hard",
            Invalidation::Soft => b"soft",
        };
        let tags = self.tags.iter();
        Command::new("XADD")
            .arg(key)
            .arg("MAXLEN")
            .arg("~")
            .arg(length)
            .arg("*")
            .arg(NONCE)
            .arg(fastrand::u64(..))
            .arg(BY)
            .arg(by)
            .arg(AT)
            .arg(u64::try_from(at.as_micros()).unwrap_or(u64::MAX))
            .arg(HOW)
            .arg(how)
            .args(tags.flat_map(|tag| [TAG, tag.as_str().as_bytes()]))
    }

    /// Reads a record; one that this version does not understand is `None`.
    pub(super) fn read(entry: &StreamEntry) -> Option<Self> {
        let how = match entry.field(HOW)? {
            b"hard" => Invalidation::Hard,
            b"soft" => Invalidation::Soft,
            _ => return None,
        };
        let tags = entry.fields().iter().filter(|(field, _)| field == TAG);
        let tags = tags.map(|(_, tag)| std::str::from_utf8(tag).ok().map(Tag::new));
        Some(Self {
            how,
            tags: tags.collect::<Option<_>>()?,
        })
    }

    /// Returns whether the instance `by` has written a record.
    pub(super) fn is_by(entry: &StreamEntry, by: u64) -> bool {
        entry.field(BY) == Some(by.to_string().as_bytes())
    }

    /// Returns when a record was written, by the clock of the instance that wrote it.
    pub(super) fn written_at(entry: &StreamEntry) -> Option<Duration> {
        let micros = std::str::from_utf8(entry.field(AT)?).ok()?.parse().ok()?;
        Some(Duration::from_micros(micros))
    }

    pub(super) fn names(&self, tags: &[Tag]) -> bool {
        self.tags.iter().any(|tag| tags.contains(tag))
    }
}

// === impl Since ===

impl Since<'_> {
    /// Returns whether an answer may have been made before one of its tags was invalidated, so that
    /// it must not be stored under the versions that the tags have.
    ///
    /// The versions of `captured` tags were read before the handler was asked: whatever is
    /// invalidated afterwards has other ones, and storing the answer would only be of no use. Those
    /// of `late` tags were read when the answer was there. They may already be those that an
    /// invalidation has left behind, so nothing may have named the tags since the fill was opened.
    pub(super) fn overtakes(&self, captured: &[Tag], late: &[Tag]) -> bool {
        let is_named = |tags| self.records.iter().any(|record| record.names(tags));
        is_named(captured) || is_named(late) || (!self.whole && !late.is_empty())
    }
}
