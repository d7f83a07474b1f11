//! What is claimed of a row that instances read through their caches, as steps that each happen at one moment.
//!
//! A change of the row is one step. The invalidation that follows is one step for each instance: what is older is out of its
//! reach from then on. Where that happens:
//!
//! - on the instance that invalidates, before the invalidation returns, whether it is applied or deferred;
//! - on an instance without a memory, before an invalidation that is applied returns;
//! - on an instance with a memory, at most [`LAG`] after an invalidation that is applied has returned;
//! - of one that is deferred, on the others at any time later.
//!
//! A read is one step, and is answered with any version that is not out of reach: one that was the newest when it was read
//! from the database. So as long as an invalidation is under way one read may find the new version and a later one still the old.
//! Afterwards none does.

use exodrive_cache::Invalidated;

use super::search::{Operation, Span, is_explained};

pub(super) const INSTANCES: usize = 4;

/// What an instance did; moments are in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Read {
        by: usize,
        version: u64,
        /// When it was asked, and answered.
        asked: [u64; 2],
    },
    Write {
        by: usize,
        version: u64,
        /// When the change of the row began, when it was done and the invalidation began, and when that returned.
        done: [u64; 3],
        invalidated: Invalidated,
    },
}

impl Event {
    pub(super) fn is_deferred(&self) -> bool {
        matches!(
            self,
            Self::Write {
                invalidated: Invalidated::Deferred,
                ..
            }
        )
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Change { to: u64 },
    Hide { from: usize, below: u64 },
    Read { by: usize, version: u64 },
}

/// A row, and the oldest version within the reach of each instance.
#[derive(Clone, Eq, Hash, PartialEq)]
struct Row {
    version: u64,
    oldest: [u64; INSTANCES],
}

impl Operation for Step {
    type State = Row;

    fn apply(&self, row: &Row) -> Option<Row> {
        let mut after = row.clone();
        let can_happen = match *self {
            Self::Change { to } => {
                after.version = to;
                row.version + 1 == to
            }
            Self::Hide { from, below } => {
                after.oldest[from] = below.max(row.oldest[from]);
                true
            }
            Self::Read { by, version } => (row.oldest[by]..=row.version).contains(&version),
        };
        can_happen.then_some(after)
    }
}

/// Returns whether what the instances saw is what is claimed, if the memory of each is behind by so many microseconds at most.
pub(super) fn holds(history: &[Event], lags: [u64; INSTANCES]) -> bool {
    let mut changes = Vec::new();
    let mut hides = Vec::new();
    let mut span = |begin, end, operation| {
        let span = Span {
            begin,
            end,
            operation,
        };
        match operation {
            Step::Hide { .. } => hides.push(span),
            Step::Change { .. } | Step::Read { .. } => changes.push(span),
        }
    };
    for event in history {
        match *event {
            Event::Read { by, version, asked } => {
                span(asked[0], Some(asked[1]), Step::Read { by, version });
            }
            Event::Write {
                by,
                version,
                done: [begun, changed, returned],
                invalidated,
            } => {
                span(begun, Some(changed), Step::Change { to: version });
                for (from, lag) in lags.into_iter().enumerate() {
                    let end = match invalidated {
                        _ if from == by => Some(returned),
                        Invalidated::Applied => Some(returned + lag),
                        Invalidated::Deferred => None,
                    };
                    let below = version;
                    span(changed, end, Step::Hide { from, below });
                }
            }
        }
    }
    // Nothing is put out of reach before it has to be: that is tried first.
    hides.sort_by_key(|span| span.end.unwrap_or(u64::MAX));
    changes.extend(hides);
    let row = Row {
        version: 0,
        oldest: [0; INSTANCES],
    };
    is_explained(row, &changes)
}

#[cfg(test)]
mod tests {
    use exodrive_cache::Invalidated::{Applied, Deferred};

    use super::*;

    fn read(by: usize, version: u64, at: u64) -> Event {
        let asked = [at, at + 1];
        Event::Read { by, version, asked }
    }

    fn write(version: u64, done: [u64; 3], invalidated: Invalidated) -> Event {
        Event::Write {
            by: 0,
            version,
            done,
            invalidated,
        }
    }

    const NONE: [u64; INSTANCES] = [0; INSTANCES];
    const SOME: [u64; INSTANCES] = [100, 100, 100, 0];

    #[test]
    fn while_an_invalidation_is_under_way_either_version_may_be_seen() {
        let change = write(1, [10, 12, 30], Applied);
        for by in 0..INSTANCES {
            assert!(holds(&[change, read(by, 0, 20)], NONE));
            assert!(holds(&[change, read(by, 1, 20), read(by, 0, 25)], NONE));
            assert!(!holds(&[change, read(by, 1, 20), read(by, 0, 35)], NONE));
            assert!(holds(&[change, read(by, 1, 35)], NONE));
        }
    }

    #[test]
    fn nobody_sees_what_is_not_written_yet() {
        let change = write(1, [10, 12, 30], Applied);
        assert!(!holds(&[change, read(1, 1, 5)], NONE));
        assert!(!holds(&[change, read(1, 2, 50)], NONE));
    }

    #[test]
    fn a_memory_is_behind_for_a_while_and_only_that_of_others() {
        let change = write(1, [10, 12, 30], Applied);
        for (by, until) in [(0, 30), (1, 130), (2, 130), (3, 30)] {
            assert!(holds(&[change, read(by, 0, until)], SOME));
            assert!(!holds(&[change, read(by, 0, until + 1)], SOME));
        }
    }

    #[test]
    fn what_is_deferred_holds_at_once_where_it_was_made() {
        let change = write(1, [10, 12, 30], Deferred);
        assert!(holds(&[change, read(1, 0, 5_000)], NONE));
        assert!(holds(&[change, read(1, 1, 40), read(1, 0, 50)], NONE));
        assert!(!holds(&[change, read(0, 0, 40)], NONE));
        // The next one that is applied holds for both.
        let next = write(2, [50, 52, 60], Applied);
        assert!(!holds(&[change, next, read(1, 1, 70)], NONE));
    }

    #[test]
    fn the_older_of_two_overlapping_changes_does_not_outlive_the_newer() {
        let slow = write(1, [10, 12, 90], Applied);
        let quick = write(2, [20, 22, 30], Applied);
        assert!(holds(&[slow, quick, read(1, 1, 25)], NONE));
        assert!(!holds(&[slow, quick, read(1, 1, 40)], NONE));
        assert!(holds(&[slow, quick, read(1, 2, 40)], NONE));
    }
}
