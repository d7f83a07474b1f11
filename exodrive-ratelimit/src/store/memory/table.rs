//! Cells by fingerprint, with those swept out that count nothing any more.

use hashbrown::HashTable;

use super::cell::Cell;
use super::fingerprint::Fingerprint;
use super::rules::Rules;
use crate::rule::Tally;

/// How a kind of cell counts.
pub(super) type RuleOf<C> = <<C as Cell>::Tally as Tally>::Rule;

/// How many places are looked at for each new cell.
///
/// More than one, so that sweeping outruns inserting and a table holds at most a fraction more than what still counts.
const SWEPT_PER_INSERT: usize = 8;

#[derive(Debug)]
pub(super) struct Table<C: Cell> {
    cells: HashTable<C>,
    rules: Rules<RuleOf<C>>,
    hand: usize,
}

/// Where a cell is, until the next cell is inserted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Index(usize);

impl<C: Cell> Table<C> {
    pub(super) const fn new() -> Self {
        Self {
            cells: HashTable::new(),
            rules: Rules::new(),
            hand: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(super) fn find(&self, key: Fingerprint) -> Option<Index> {
        self.cells
            .find_bucket_index(key.low, |cell| cell.is_of(key))
            .map(Index)
    }

    /// The tally in a cell as it stands at `now` under `rule`.
    pub(super) fn tally(
        &self,
        Index(index): Index,
        rule: &RuleOf<C>,
        now: u64,
    ) -> Option<C::Tally> {
        let cell = self.cells.get_bucket(index)?;
        let kept_under = self.rules.rule(cell.rule())?;
        let tally = cell.tally();
        let tally = if kept_under == *rule {
            tally
        } else {
            tally.carried(&kept_under, rule, now)
        };
        Some(tally.seen_at(rule, now))
    }

    /// The rule that a cell is kept under.
    pub(super) fn rule(&self, Index(index): Index) -> Option<RuleOf<C>> {
        let cell = self.cells.get_bucket(index)?;
        self.rules.rule(cell.rule())
    }

    /// Writes a cell that is there; the key is its own.
    pub(super) fn update(
        &mut self,
        Index(index): Index,
        key: Fingerprint,
        rule: RuleOf<C>,
        tally: C::Tally,
    ) {
        let Some(cell) = self.cells.get_bucket_mut(index) else {
            return;
        };
        let mut id = cell.rule();
        if self.rules.rule(id) != Some(rule) {
            self.rules.release(id);
            id = self.rules.acquire(rule);
        }
        *cell = C::pack(key, tally, id);
    }

    pub(super) fn insert(&mut self, key: Fingerprint, rule: RuleOf<C>, tally: C::Tally) {
        let cell = C::pack(key, tally, self.rules.acquire(rule));
        self.cells.insert_unique(key.low, cell, C::low);
    }

    pub(super) fn remove(&mut self, key: Fingerprint) {
        if let Ok(entry) = self.cells.find_entry(key.low, |cell| cell.is_of(key)) {
            let (cell, _) = entry.remove();
            self.rules.release(cell.rule());
        }
    }

    /// Removes what counts nothing any more from the next few places.
    pub(super) fn sweep(&mut self, now: u64) {
        let places = self.cells.num_buckets();
        for _ in 0..SWEPT_PER_INSERT.min(places) {
            self.hand = (self.hand + 1) % places;
            let Ok(entry) = self.cells.get_bucket_entry(self.hand) else {
                continue;
            };
            let cell = entry.get();
            let id = cell.rule();
            let counts = self
                .rules
                .rule(id)
                .is_some_and(|rule| !cell.tally().seen_at(&rule, now).is_empty());
            if !counts {
                entry.remove();
                self.rules.release(id);
            }
        }
    }
}
