//! One lock's worth of the store.

use super::cell::{BucketCell, Cell, SegmentsCell};
use super::fingerprint::{Fingerprint, LimitKeys};
use super::table::{Index, RuleOf, Table};
use crate::gcra::Bucket;
use crate::rule::{Rule, Tally};
use crate::store::{Charge, Reading, Settlement, Stamp};
use crate::window::Segments;

/// How many buckets the new subjects of one limit share in a full shard.
const OVERFLOW_BUCKETS: u64 = 64;

/// The note on a stamp that the charge is in an overflow bucket.
const IN_OVERFLOW: u32 = 1;

#[derive(Debug)]
pub(super) struct Shard {
    buckets: Table<BucketCell>,
    windows: Table<SegmentsCell>,
    capacity: usize,
}

/// A charge measured but not made.
#[derive(Debug)]
pub(super) enum Draft {
    Bucket(Drafted<Bucket>),
    Segments(Drafted<Segments>),
}

#[derive(Debug)]
pub(super) struct Drafted<T: Tally> {
    rule: T::Rule,
    cost: u32,
    tally: T,
    /// Where the cell goes if it is not there yet.
    key: Fingerprint,
    /// Where the cell is if it is there.
    index: Option<Index>,
    place: u32,
}

impl Shard {
    pub(super) const fn new(capacity: usize) -> Self {
        Self {
            buckets: Table::new(),
            windows: Table::new(),
            capacity,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.buckets.len() + self.windows.len()
    }

    /// Measures a charge at `now`; nothing is written.
    pub(super) fn draft(&self, key: Fingerprint, charge: &Charge<'_>, now: u64) -> Draft {
        let ask = self.ask(key, charge, now);
        match charge.rule() {
            Rule::Gcra(rule) => Draft::Bucket(ask.of(&self.buckets, rule)),
            Rule::Window(rule) => Draft::Segments(ask.of(&self.windows, rule)),
        }
    }

    /// Measures a charge and makes it if it fits, where no other depends on it.
    #[inline]
    pub(super) fn charge(&mut self, key: Fingerprint, charge: &Charge<'_>, now: u64) -> Reading {
        let ask = self.ask(key, charge, now);
        let (reading, is_of_a_stranger) = match charge.rule() {
            Rule::Gcra(rule) => ask.of(&self.buckets, rule).decide(&mut self.buckets),
            Rule::Window(rule) => ask.of(&self.windows, rule).decide(&mut self.windows),
        };
        if is_of_a_stranger {
            self.sweep(now);
        }
        reading
    }

    #[inline]
    fn ask(&self, key: Fingerprint, charge: &Charge<'_>, now: u64) -> Ask {
        Ask {
            key,
            cost: charge.cost(),
            now,
            overflow: (self.len() >= self.capacity).then(|| charge.keys()),
        }
    }

    /// Makes a charge that has been measured.
    pub(super) fn make(&mut self, draft: &mut Draft) {
        match draft {
            Draft::Bucket(drafted) => drafted.make(&mut self.buckets),
            Draft::Segments(drafted) => drafted.make(&mut self.windows),
        }
    }

    /// Gives back what a settlement says, where its charge still counts under the same rule.
    pub(super) fn refund(&mut self, key: Fingerprint, settlement: &Settlement, now: u64) {
        let key = if settlement.stamp().place == IN_OVERFLOW {
            overflow_key(LimitKeys::of(settlement.limit()), key)
        } else {
            key
        };
        match settlement.rule() {
            Rule::Gcra(rule) => refund(&mut self.buckets, key, rule, settlement, now),
            Rule::Window(rule) => refund(&mut self.windows, key, rule, settlement, now),
        }
    }

    /// Removes a subject's own cell; what it has in an overflow bucket is also others'.
    pub(super) fn forget(&mut self, key: Fingerprint, rule: Rule) {
        match rule {
            Rule::Gcra(_) => self.buckets.remove(key),
            Rule::Window(_) => self.windows.remove(key),
        }
    }

    /// Makes some room. Done for every subject that was not known, so that what no longer counts is gone before the
    /// shard is full of it.
    pub(super) fn sweep(&mut self, now: u64) {
        self.buckets.sweep(now);
        self.windows.sweep(now);
    }
}

/// A charge to be measured, whatever its rule.
struct Ask {
    key: Fingerprint,
    cost: u32,
    now: u64,
    /// Makes the key for a subject that is not known; `None` while there is room for it.
    overflow: Option<LimitKeys>,
}

impl Ask {
    #[inline]
    fn of<C: Cell>(self, table: &Table<C>, rule: RuleOf<C>) -> Drafted<C::Tally> {
        let Self {
            mut key, cost, now, ..
        } = self;
        let mut place = 0;
        let mut index = table.find(key);
        if let (None, Some(keys)) = (index, self.overflow) {
            key = overflow_key(keys, key);
            place = IN_OVERFLOW;
            #[cfg(feature = "metrics")]
            crate::meters::overflowed();
            index = table.find(key);
        }
        let tally = index
            .and_then(|index| table.tally(index, &rule, now))
            .unwrap_or_else(|| C::Tally::empty(&rule, now));
        Drafted {
            rule,
            cost,
            tally,
            key,
            index,
            place,
        }
    }
}

impl Draft {
    pub(super) fn fits(&self) -> bool {
        match self {
            Self::Bucket(drafted) => drafted.fits(),
            Self::Segments(drafted) => drafted.fits(),
        }
    }

    /// Whether the subject has a cell already, which no other insertion may move before it is written.
    pub(super) fn has_cell(&self) -> bool {
        match self {
            Self::Bucket(drafted) => drafted.has_cell(),
            Self::Segments(drafted) => drafted.has_cell(),
        }
    }

    /// Whether the subject has no cell of its own.
    pub(super) fn is_of_a_stranger(&self) -> bool {
        match self {
            Self::Bucket(drafted) => drafted.is_of_a_stranger(),
            Self::Segments(drafted) => drafted.is_of_a_stranger(),
        }
    }

    pub(super) fn reading(&self, made: bool) -> Reading {
        match self {
            Self::Bucket(drafted) => drafted.reading(made),
            Self::Segments(drafted) => drafted.reading(made),
        }
    }
}

impl<T: Tally> Drafted<T> {
    /// Makes the charge if it fits: what that leaves, and whether the subject was not known.
    #[inline]
    fn decide<C: Cell<Tally = T>>(mut self, table: &mut Table<C>) -> (Reading, bool) {
        let fits = self.fits();
        if fits {
            self.make(table);
        }
        (self.reading(fits), self.is_of_a_stranger())
    }

    fn fits(&self) -> bool {
        self.tally.fits(&self.rule, self.cost)
    }

    fn has_cell(&self) -> bool {
        self.index.is_some()
    }

    fn is_of_a_stranger(&self) -> bool {
        self.place == IN_OVERFLOW || !self.has_cell()
    }

    #[inline]
    fn make<C: Cell<Tally = T>>(&mut self, table: &mut Table<C>) {
        if self.cost == 0 {
            return;
        }
        self.tally.charge(&self.rule, self.cost);
        match self.index {
            Some(index) => table.update(index, self.key, self.rule, self.tally),
            None => table.insert(self.key, self.rule, self.tally),
        }
    }

    #[inline]
    fn reading(&self, made: bool) -> Reading {
        let stamp = made.then(|| Stamp {
            place: self.place,
            ..self.tally.stamp()
        });
        Reading::of(&self.tally, &self.rule, self.cost, stamp)
    }
}

fn refund<C: Cell>(
    table: &mut Table<C>,
    key: Fingerprint,
    rule: RuleOf<C>,
    settlement: &Settlement,
    now: u64,
) {
    let Some(index) = table.find(key) else { return };
    if table.rule(index) != Some(rule) {
        return;
    }
    if let Some(mut tally) = table.tally(index, &rule, now) {
        tally.refund(&rule, settlement.refund(), settlement.stamp());
        table.update(index, key, rule, tally);
    }
}

fn overflow_key(keys: LimitKeys, key: Fingerprint) -> Fingerprint {
    keys.overflow_key(key.high % OVERFLOW_BUCKETS)
}
