//! Invalidations that have not reached the server yet.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::record::Record;
use crate::Tag;
use crate::store::Invalidation;

/// How many invalidations may wait for the server.
const CAPACITY: usize = 1 << 14;

/// Invalidations that are under way or have failed. What they name is hidden from this instance.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    waiting: Mutex<Waiting>,
    /// How many there are, and how many of them have failed.
    count: AtomicUsize,
    failed: AtomicUsize,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    /// With whether it has failed.
    records: BTreeMap<u64, (Record, bool)>,
}

/// An invalidation among those that wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ticket(u64);

impl Deferred {
    /// Adds an invalidation that is about to be sent, unless too many wait.
    pub(super) fn begin(&self, record: Record) -> Option<Ticket> {
        let mut waiting = self.waiting.lock();
        if waiting.records.len() >= CAPACITY {
            return None;
        }
        let ticket = waiting.next;
        waiting.next += 1;
        waiting.records.insert(ticket, (record, false));
        self.recount(&waiting);
        Some(Ticket(ticket))
    }

    pub(super) fn applied(&self, tickets: impl IntoIterator<Item = Ticket>) {
        let mut waiting = self.waiting.lock();
        for Ticket(ticket) in tickets {
            waiting.records.remove(&ticket);
        }
        self.recount(&waiting);
    }

    /// Notes that an invalidation has to be sent again.
    pub(super) fn failed(&self, Ticket(ticket): Ticket) {
        let mut waiting = self.waiting.lock();
        if let Some((_, failed)) = waiting.records.get_mut(&ticket) {
            *failed = true;
        }
        self.recount(&waiting);
    }

    /// Returns whether any has to be sent again.
    pub(super) fn any_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire) > 0
    }

    /// Returns those that have to be sent again.
    pub(super) fn all_failed(&self) -> Vec<(Ticket, Record)> {
        let waiting = self.waiting.lock();
        let failed = waiting.records.iter().filter(|(_, (_, failed))| *failed);
        failed
            .map(|(ticket, (record, _))| (Ticket(*ticket), record.clone()))
            .collect()
    }

    /// Returns how something with `tags` is to be treated.
    pub(super) fn treats(&self, tags: &[Tag]) -> Option<Invalidation> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let waiting = self.waiting.lock();
        let records = waiting.records.values().map(|(record, _)| record);
        let mut hows = records
            .filter(|record| record.names(tags))
            .map(|record| record.how);
        let first = hows.next()?;
        let hard = first == Invalidation::Hard || hows.any(|how| how == Invalidation::Hard);
        Some(if hard {
            Invalidation::Hard
        } else {
            Invalidation::Soft
        })
    }

    fn recount(&self, waiting: &Waiting) {
        let failed = waiting.records.values().filter(|(_, failed)| *failed);
        self.failed.store(failed.count(), Ordering::Release);
        self.count.store(waiting.records.len(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag;

    fn record(tag: &str, how: Invalidation) -> Record {
        Record {
            how,
            tags: vec![Tag::new(tag)],
        }
    }

    #[test]
    fn hides_what_waits_until_it_is_applied() {
        let deferred = Deferred::default();
        let both = [tag!("a"), tag!("b")];
        let soft = deferred.begin(record("a", Invalidation::Soft)).unwrap();
        assert_eq!(deferred.treats(&both), Some(Invalidation::Soft));
        let hard = deferred.begin(record("b", Invalidation::Hard)).unwrap();
        assert_eq!(deferred.treats(&both), Some(Invalidation::Hard));
        assert_eq!(deferred.treats(&[tag!("c")]), None);
        deferred.applied([hard]);
        assert_eq!(deferred.treats(&both), Some(Invalidation::Soft));
        deferred.applied([soft]);
        assert_eq!(deferred.treats(&both), None);
    }

    #[test]
    fn only_what_failed_is_sent_again() {
        let deferred = Deferred::default();
        let [one, two] =
            ["a", "b"].map(|tag| deferred.begin(record(tag, Invalidation::Hard)).unwrap());
        assert!(!deferred.any_failed());
        deferred.failed(two);
        assert_eq!(
            deferred.all_failed(),
            [(two, record("b", Invalidation::Hard))]
        );
        deferred.applied([one, two]);
        assert!(!deferred.any_failed());
    }

    #[test]
    fn is_bounded() {
        let deferred = Deferred::default();
        for _ in 0..CAPACITY {
            assert!(deferred.begin(record("a", Invalidation::Hard)).is_some());
        }
        assert!(deferred.begin(record("a", Invalidation::Hard)).is_none());
    }
}
