//! Invalidations that have not reached the server yet.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::record::Record;
use crate::Tag;
use crate::store::Invalidation;

/// How many invalidations may wait for the server.
const CAPACITY: usize = 1 << 14;
/// How many are sent again at once: a server is done with them long before a deadline.
const BATCH: usize = 256;

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
    failed: usize,
    /// How many of the records name a tag. Every read asks, however many wait.
    by_tag: HashMap<Tag, Named>,
}

#[derive(Debug, Default)]
struct Named {
    hard: usize,
    soft: usize,
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
        for tag in &record.tags {
            let named = waiting.by_tag.entry(tag.clone()).or_default();
            *named.count(record.how) += 1;
        }
        let ticket = waiting.next;
        waiting.next += 1;
        waiting.records.insert(ticket, (record, false));
        self.recount(&waiting);
        Some(Ticket(ticket))
    }

    pub(super) fn applied(&self, tickets: impl IntoIterator<Item = Ticket>) {
        let mut waiting = self.waiting.lock();
        for ticket in tickets {
            waiting.remove(ticket);
        }
        self.recount(&waiting);
    }

    /// Notes that an invalidation has to be sent again.
    pub(super) fn failed(&self, Ticket(ticket): Ticket) {
        let mut waiting = self.waiting.lock();
        if let Some((_, failed)) = waiting.records.get_mut(&ticket) {
            let is_first = !std::mem::replace(failed, true);
            waiting.failed += usize::from(is_first);
        }
        self.recount(&waiting);
    }

    /// Returns whether any has to be sent again.
    pub(super) fn any_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire) > 0
    }

    /// Returns the oldest of those that have to be sent again, as many as are sent at once.
    pub(super) fn oldest_failed(&self) -> Vec<(Ticket, Record)> {
        let waiting = self.waiting.lock();
        let failed = waiting.records.iter().filter(|(_, (_, failed))| *failed);
        failed
            .take(BATCH)
            .map(|(ticket, (record, _))| (Ticket(*ticket), record.clone()))
            .collect()
    }

    /// Returns how something with `tags` is to be treated.
    pub(super) fn treats(&self, tags: &[Tag]) -> Option<Invalidation> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let waiting = self.waiting.lock();
        let mut treatment = None;
        for named in tags.iter().filter_map(|tag| waiting.by_tag.get(tag)) {
            if named.hard > 0 {
                return Some(Invalidation::Hard);
            }
            treatment = Some(Invalidation::Soft);
        }
        treatment
    }

    fn recount(&self, waiting: &Waiting) {
        self.failed.store(waiting.failed, Ordering::Release);
        self.count.store(waiting.records.len(), Ordering::Release);
    }
}

impl Waiting {
    fn remove(&mut self, Ticket(ticket): Ticket) {
        let Some((record, failed)) = self.records.remove(&ticket) else {
            return;
        };
        self.failed -= usize::from(failed);
        for tag in record.tags {
            if let Some(named) = self.by_tag.get_mut(&tag) {
                *named.count(record.how) -= 1;
                if named.hard + named.soft == 0 {
                    self.by_tag.remove(&tag);
                }
            }
        }
    }
}

impl Named {
    fn count(&mut self, how: Invalidation) -> &mut usize {
        match how {
            Invalidation::Hard => &mut self.hard,
            Invalidation::Soft => &mut self.soft,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            deferred.oldest_failed(),
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
    #[test]
    fn the_oldest_are_sent_again_first_and_not_all_at_once() {
        let deferred = Deferred::default();
        for n in 0..2 * BATCH {
            let ticket = deferred.begin(record(&n.to_string(), Invalidation::Hard));
            deferred.failed(ticket.unwrap());
        }
        for batch in 0..2 {
            let oldest = deferred.oldest_failed();
            assert_eq!(oldest.len(), BATCH);
            let first = (batch * BATCH).to_string();
            assert_eq!(oldest[0].1, record(&first, Invalidation::Hard));
            deferred.applied(oldest.into_iter().map(|(ticket, _)| ticket));
        }
        assert!(!deferred.any_failed());
        assert!(deferred.waiting.lock().by_tag.is_empty());
    }

    proptest! {
        /// What is counted by tag is what looking through all records would find.
        #[test]
        fn agrees_with_a_scan(
            steps in proptest::collection::vec((0u8..3, 0usize..20, 0u8..5, 0u8..5, any::<bool>()), 0..60),
        ) {
            let deferred = Deferred::default();
            let mut all: Vec<(Ticket, Record, bool)> = Vec::new();
            for (what, which, one, other, hard) in steps {
                let index = which % all.len().max(1);
                match what {
                    0 => {
                        let how = if hard { Invalidation::Hard } else { Invalidation::Soft };
                        let tags = vec![Tag::new(one.to_string()), Tag::new(other.to_string())];
                        let record = Record { how, tags };
                        all.push((deferred.begin(record.clone()).unwrap(), record, false));
                    }
                    1 if !all.is_empty() => deferred.applied([all.swap_remove(index).0]),
                    2 if !all.is_empty() => {
                        all[index].2 = true;
                        deferred.failed(all[index].0);
                    }
                    _ => {}
                }
                let asked = [Tag::new(one.to_string())];
                let hows = all.iter().filter(|(_, record, _)| record.names(&asked));
                let hows: Vec<_> = hows.map(|(_, record, _)| record.how).collect();
                let expected = match hows.contains(&Invalidation::Hard) {
                    true => Some(Invalidation::Hard),
                    false => hows.first().copied(),
                };
                prop_assert_eq!(deferred.treats(&asked), expected);
                prop_assert_eq!(deferred.any_failed(), all.iter().any(|(.., failed)| *failed));
            }
        }
    }
}
