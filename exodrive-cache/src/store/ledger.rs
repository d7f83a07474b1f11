//! Which tag was invalidated when.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use super::Invalidation;
use crate::Tag;

/// A point in the order of all invalidations: how many there had been.
pub(super) type Position = u64;

/// The last invalidation of each tag, in the order in which they happened.
///
/// An entry is known to be valid at some position. It is still valid if no tag of its own has a later
/// one here. No clock takes part.
///
/// The ledger is bounded. When it is full it forgets its older half, and from then on refuses
/// everything that was only known to be valid before that: entries that nobody has asked for in a
/// long time become misses.
#[derive(Debug)]
pub(super) struct Ledger {
    /// The position of the last invalidation. Written under the lock.
    head: AtomicU64,
    marks: RwLock<Marks>,
}

/// What has become of something that was valid at some position.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Validity {
    /// It still is, up to here.
    Valid(Position),
    /// One of its tags was invalidated softly.
    Outdated,
    /// One of its tags was invalidated, or that cannot be ruled out.
    Invalid,
}

#[derive(Debug)]
struct Marks {
    by_tag: HashMap<Tag, Mark>,
    /// Everything up to here may have been forgotten.
    floor: Position,
    capacity: usize,
}

/// When a tag was invalidated last; 0 is never.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(super) struct Mark {
    pub(super) hard: Position,
    pub(super) soft: Position,
}

impl Ledger {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            head: AtomicU64::new(0),
            marks: RwLock::new(Marks {
                by_tag: HashMap::new(),
                floor: 0,
                capacity,
            }),
        }
    }

    /// Returns the position of the last invalidation.
    pub(super) fn head(&self) -> Position {
        self.head.load(Ordering::Acquire)
    }

    /// Returns what has become of something with `tags` that was valid at `since`.
    pub(super) fn check(&self, since: Position, tags: &[Tag]) -> Validity {
        if self.head() == since {
            return Validity::Valid(since);
        }
        let marks = self.marks.read();
        marks.last(tags).judge(since, marks.floor, self.head())
    }

    pub(super) fn invalidate(&self, tags: &[Tag], how: Invalidation) {
        let mut marks = self.marks.write();
        let position = self.head() + 1;
        for tag in tags {
            let mark = marks.by_tag.entry(tag.clone()).or_default();
            match how {
                Invalidation::Hard => mark.hard = position,
                Invalidation::Soft => mark.soft = position,
            }
        }
        marks.forget_if_full();
        // Only now: whoever sees the new head must find the marks that belong to it.
        self.head.store(position, Ordering::Release);
    }

    /// Refuses everything that was valid up to now, as if every tag there is had been invalidated.
    #[cfg(feature = "redis")]
    pub(super) fn forget_all(&self) {
        let mut marks = self.marks.write();
        let position = self.head() + 1;
        marks.by_tag.clear();
        marks.floor = position;
        self.head.store(position, Ordering::Release);
    }
}

impl Marks {
    /// Returns the last invalidation of any of `tags`.
    fn last(&self, tags: &[Tag]) -> Mark {
        let marks = tags.iter().filter_map(|tag| self.by_tag.get(tag));
        marks.fold(Mark::default(), |last, mark| Mark {
            hard: last.hard.max(mark.hard),
            soft: last.soft.max(mark.soft),
        })
    }

    fn forget_if_full(&mut self) {
        if self.by_tag.len() <= self.capacity {
            return;
        }
        let mut positions: Vec<Position> = self.by_tag.values().map(Mark::latest).collect();
        let middle = positions.len() / 2;
        let (_, floor, _) = positions.select_nth_unstable(middle);
        self.floor = *floor;
        self.by_tag.retain(|_, mark| mark.latest() > self.floor);
    }
}

impl Mark {
    /// Returns what has become of something that was valid at `since`, if this was the last
    /// invalidation of its tags and those up to `floor` may be forgotten.
    pub(super) fn judge(self, since: Position, floor: Position, head: Position) -> Validity {
        if since < floor || self.hard > since {
            Validity::Invalid
        } else if self.soft > since {
            Validity::Outdated
        } else {
            Validity::Valid(head)
        }
    }

    fn latest(&self) -> Position {
        self.hard.max(self.soft)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tag;

    #[test]
    fn a_mark_overtakes_what_was_valid_before_it() {
        let ledger = Ledger::new(10);
        let before = ledger.head();
        ledger.invalidate(&[tag!("car:1"), tag!("fleet")], Invalidation::Hard);
        let after = ledger.head();
        let check = |since, tags: &[&str]| {
            let tags: Vec<_> = tags.iter().map(Tag::new).collect();
            ledger.check(since, &tags)
        };
        assert_eq!(check(before, &["car:1"]), Validity::Invalid);
        assert_eq!(check(before, &["a", "fleet"]), Validity::Invalid);
        assert_eq!(check(before, &["car:2"]), Validity::Valid(after));
        assert_eq!(check(after, &["car:1"]), Validity::Valid(after));
    }

    #[test]
    fn a_hard_mark_counts_more_than_a_soft_one() {
        let ledger = Ledger::new(10);
        let tags = [tag!("car:1")];
        ledger.invalidate(&tags, Invalidation::Soft);
        assert_eq!(ledger.check(0, &tags), Validity::Outdated);
        ledger.invalidate(&tags, Invalidation::Hard);
        ledger.invalidate(&tags, Invalidation::Soft);
        assert_eq!(ledger.check(0, &tags), Validity::Invalid);
        assert_eq!(ledger.check(2, &tags), Validity::Outdated);
        assert_eq!(ledger.check(3, &tags), Validity::Valid(3));
    }

    #[cfg(feature = "redis")]
    #[test]
    fn forgetting_all_refuses_what_was_valid_and_nothing_since() {
        let ledger = Ledger::new(10);
        ledger.invalidate(&[tag!("car:1")], Invalidation::Hard);
        let before = ledger.head();
        ledger.forget_all();
        let after = ledger.head();
        assert_eq!(ledger.check(before, &[]), Validity::Invalid);
        assert_eq!(ledger.check(before, &[tag!("car:1")]), Validity::Invalid);
        assert_eq!(
            ledger.check(after, &[tag!("car:1")]),
            Validity::Valid(after)
        );
    }

    #[test]
    fn is_bounded() {
        let ledger = Ledger::new(100);
        for n in 0..10_000 {
            ledger.invalidate(&[tag!("car:{n}")], Invalidation::Hard);
        }
        assert!(ledger.marks.read().by_tag.len() <= 100);
    }

    proptest! {
        /// Whatever it forgets, it never calls valid what was overtaken.
        #[test]
        fn forgetting_only_refuses(
            capacity in 1usize..6,
            tags in proptest::collection::vec((0u8..8, proptest::bool::ANY), 0..60),
            watched in 0u8..8,
            opened in 0usize..60,
        ) {
            let ledger = Ledger::new(capacity);
            let mut since = None;
            let mut expected = Validity::Valid(0);
            for (n, (tag, hard)) in tags.iter().enumerate() {
                if n == opened {
                    since = Some(ledger.head());
                }
                let how = if *hard { Invalidation::Hard } else { Invalidation::Soft };
                ledger.invalidate(&[tag!("{tag}")], how);
                if since.is_some() && *tag == watched && expected != Validity::Invalid {
                    expected = if *hard { Validity::Invalid } else { Validity::Outdated };
                }
            }
            let since = since.unwrap_or(ledger.head());
            if let Validity::Valid(position) = &mut expected {
                *position = ledger.head();
            }
            let found = ledger.check(since, &[tag!("{watched}")]);
            prop_assert!(found == expected || found == Validity::Invalid);
            if tags.len() <= capacity {
                prop_assert_eq!(found, expected);
            }
        }
    }
}
