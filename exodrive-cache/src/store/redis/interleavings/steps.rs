//! What each process does next, and what the environment may do.

use super::super::record::{Record, Since};
use super::super::stamp::{Stamp, Standing, Version};
use super::parts::{About, Journal, Memory, Stored};
use super::setup::{Flaw, Setup, Writes};
use super::system::{Broken, DONE, Lookup, State, Writer};
use crate::Tag;
use crate::store::ledger::Validity;

impl State {
    pub(super) fn write(&self, setup: &Setup, n: usize, go: &mut impl FnMut(Self)) {
        let Some(writes) = setup.writers.get(n).copied() else {
            return;
        };
        let Writer { step, value } = self.writers[n];
        let mut next = *self;
        let order = match setup.flaw {
            Some(Flaw::TellsFillsTooLate) => [2, 1, 3],
            Some(Flaw::TellsMemoriesTooEarly) => [1, 3, 2],
            _ => [1, 2, 3],
        };
        match step {
            0 => {
                if writes != Writes::Elsewhere {
                    next.row += 1;
                    next.writers[n].value = next.row;
                }
            }
            1..=3 => {
                if self.budget.failures > 0 && step > 1 {
                    let mut failed = *self;
                    failed.budget.failures -= 1;
                    failed.writers[n].step = 1;
                    go(failed);
                }
                match order[usize::from(step) - 1] {
                    1 | 3 => next.append(writes.record()),
                    _ => next.change(setup, writes),
                }
                if step == 3 {
                    next.writers[n].step = DONE;
                    match writes {
                        Writes::Hard => next.removed = next.removed.max(value),
                        Writes::Here => {
                            next.removed = next.removed.max(value);
                            next.memory.apply(About::Hard);
                        }
                        Writes::Soft => next.outdated = next.outdated.max(value),
                        Writes::Elsewhere => {}
                    }
                    return go(next);
                }
            }
            _ => return,
        }
        next.writers[n].step += 1;
        go(next);
    }

    /// Changes the version of the tag as an invalidation does: a hard one removes it.
    fn change(&mut self, setup: &Setup, writes: Writes) {
        match writes {
            Writes::Hard | Writes::Here => self.redis.tag = (0, 0),
            Writes::Soft => {
                let hard = match (self.redis.tag.0, setup.flaw) {
                    (0, Some(Flaw::RevivesMissingTags)) => 100,
                    (hard, _) => hard,
                };
                self.redis.tag = (hard, self.unknown_soft());
            }
            Writes::Elsewhere => {}
        }
    }

    pub(super) fn fill(
        &self,
        setup: &Setup,
        n: usize,
        go: &mut impl FnMut(Self),
    ) -> Result<(), Broken> {
        let is_late = n < setup.late_fills;
        let captures = !is_late && setup.flaw != Some(Flaw::CapturesTooLate);
        let mut next = *self;
        let fill = &mut next.fills[n];
        match fill.step {
            0 => {
                if setup.leases {
                    if self.lease != 0 {
                        return Ok(());
                    }
                    next.lease = n as u8 + 1;
                    let others = self
                        .fills
                        .iter()
                        .filter(|other| (1..5).contains(&other.step));
                    if others.count() > 0 && self.budget.expiries == setup.budget.expiries {
                        return Err(Broken::Lease);
                    }
                }
                if next.redis.journal.length == 0 {
                    next.append(About::Nothing);
                }
                if captures {
                    next.ensure(setup);
                }
                let fill = &mut next.fills[n];
                fill.opened_at = next.redis.journal.newest();
                fill.position = next.memory.head;
                fill.era = next.server;
                if captures {
                    fill.tag = next.redis.tag;
                }
                fill.step = 1;
            }
            1 => {
                fill.value = self.row;
                fill.step = if captures { 3 } else { 2 };
            }
            2 => {
                next.ensure(setup);
                next.fills[n].tag = next.redis.tag;
                next.fills[n].step = 3;
            }
            3 => {
                if setup.flaw == Some(Flaw::RemembersAtTheEnd) {
                    fill.position = self.memory.head;
                }
                let overtaken = self.overtakes(setup, fill.opened_at, is_late);
                fill.step = if overtaken { DONE } else { 4 };
                let (value, position) = (fill.value, fill.position);
                if overtaken && next.lease == n as u8 + 1 {
                    next.lease = 0;
                }
                // The memory takes part in it on its own terms, or not, as it is full.
                go(next);
                next.memory.put(value, position);
            }
            4 => {
                // As late as it may be executed.
                next.redis.entry = Stored {
                    value: fill.value,
                    era: fill.era,
                    tag: fill.tag,
                };
                fill.step = DONE;
                if next.lease == n as u8 + 1 {
                    next.lease = 0;
                }
            }
            _ => return Ok(()),
        }
        go(next);
        Ok(())
    }

    /// Gives the tag a version, if it has none.
    fn ensure(&mut self, setup: &Setup) {
        if self.redis.tag.0 == 0 {
            self.redis.tag = match setup.flaw {
                Some(Flaw::CountsVersions) => (1, 1),
                _ => (self.unknown_hard(), self.unknown_soft()),
            };
        }
    }

    fn overtakes(&self, setup: &Setup, opened_at: u8, is_late: bool) -> bool {
        let tag = [Tag::new("a")];
        let (captured, late) = if is_late {
            (&[][..], &tag[..])
        } else {
            (&tag[..], &[][..])
        };
        let (whole, after) = self.redis.journal.since(opened_at);
        let records: Vec<Record> = after
            .iter()
            .filter_map(|(_, about)| about.record())
            .collect();
        let ignores = match setup.flaw {
            Some(Flaw::IgnoresJournal | Flaw::CapturesTooLate) => return false,
            Some(Flaw::IgnoresNames) => return !whole,
            Some(Flaw::IgnoresGaps) => true,
            _ => false,
        };
        let since = Since {
            whole: whole || ignores,
            records: &records,
        };
        since.overtakes(captured, late)
    }

    pub(super) fn look_up(&self, setup: &Setup, go: &mut impl FnMut(Self)) -> Result<(), Broken> {
        let lookup = self.lookups[0];
        let read_entry = |mut next: Self| {
            next.lookups[0].entry = self.redis.entry;
            next.lookups[0].step += 1;
            next
        };
        let read_tag = |mut next: Self| {
            next.lookups[0].tag = self.redis.tag;
            next.lookups[0].step += 2;
            next
        };
        match lookup.step {
            0 => {
                let mut next = *self;
                next.lookups[0] = Lookup {
                    step: 1,
                    position: self.memory.head,
                    era: self.server,
                    removed: self.removed,
                    outdated: self.outdated,
                    ..Lookup::default()
                };
                go(next);
            }
            // Both are asked for at once, so either may be read first.
            1 => {
                go(read_entry(*self));
                go(read_tag(*self));
            }
            2 => go(read_tag(*self)),
            3 => go(read_entry(*self)),
            4 => {
                let mut next = *self;
                next.lookups[0] = Lookup {
                    step: DONE,
                    ..Lookup::default()
                };
                // Replies of another server than the one that was there before are not believed.
                let standing = match lookup.era == self.server {
                    true => {
                        let since = (lookup.removed, lookup.outdated);
                        self.finds(setup, lookup.entry, lookup.tag, since)?
                    }
                    false => Standing::Gone,
                };
                let value = lookup.entry.value;
                let position = match setup.flaw {
                    Some(Flaw::PromotesAtTheEnd) => self.memory.head,
                    _ => lookup.position,
                };
                let promotes = standing == Standing::Current
                    || standing == Standing::Outdated && setup.flaw == Some(Flaw::PromotesOutdated);
                if promotes {
                    next.memory.put(value, position);
                }
                go(next);
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns what an entry is good for, unless what was invalidated before is served.
    pub(super) fn finds(
        &self,
        setup: &Setup,
        entry: Stored,
        tag: (u8, u8),
        (removed, outdated): (u8, u8),
    ) -> Result<Standing, Broken> {
        if entry.value == 0 {
            return Ok(Standing::Gone);
        }
        let standing = standing(setup, entry, self.server, tag);
        let stale = match standing {
            Standing::Current => entry.value < removed.max(outdated),
            Standing::Outdated => entry.value < removed,
            Standing::Gone => false,
        };
        if stale {
            Err(Broken::Redis)
        } else {
            Ok(standing)
        }
    }

    pub(super) fn read_journal(&self, setup: &Setup, go: &mut impl FnMut(Self)) {
        let mut next = *self;
        let memory = &mut next.memory;
        let (whole, after) = self.redis.journal.since(memory.read);
        if memory.lost || (!whole && memory.read != 0 && setup.flaw != Some(Flaw::ReadsOverGaps)) {
            memory.lost = false;
            memory.forget_all();
            memory.read = self.redis.journal.newest();
            if memory.read == 0 {
                // The reader waits for a record that it has written itself.
                next.append(About::Nothing);
            }
            return go(next);
        }
        let Some(&(number, about)) = after.first() else {
            return;
        };
        memory.read = number;
        // An instance tells its memory itself, when its invalidation is done.
        if about != About::Here {
            memory.apply(about);
        }
        go(next);
    }

    pub(super) fn suffer(&self, go: &mut impl FnMut(Self)) {
        let budget = self.budget;
        let mut next = *self;
        if budget.tag_evictions > 0 && self.redis.tag.0 != 0 {
            next.redis.tag = (0, 0);
            next.budget.tag_evictions -= 1;
            go(next);
        }
        next = *self;
        if budget.entry_evictions > 0 && self.redis.entry.value != 0 {
            next.redis.entry = Stored::default();
            next.budget.entry_evictions -= 1;
            go(next);
        }
        next = *self;
        if budget.journal_evictions > 0 && self.redis.journal.length > 0 {
            next.redis.journal = Journal::empty();
            next.budget.journal_evictions -= 1;
            go(next);
        }
        next = *self;
        if budget.expiries > 0 && self.lease != 0 {
            next.lease = 0;
            next.budget.expiries -= 1;
            go(next);
        }
        next = *self;
        match self.replica {
            None if budget.failovers > 0 => {
                next.replica = Some(self.redis);
                next.budget.failovers -= 1;
                go(next);
            }
            Some(data) => {
                next.redis = data;
                next.replica = None;
                next.server += 1;
                next.memory.lost = true;
                // Who has no answer yet does it again.
                for writer in &mut next.writers {
                    if (1..=3).contains(&writer.step) {
                        writer.step = 1;
                    }
                }
                go(next);
            }
            None => {}
        }
    }

    /// Checks what a request would find in the memory right now, if the journal has nothing to tell.
    pub(super) fn memory_keeps_its_promise(&self, setup: &Setup) -> Result<(), Broken> {
        let Memory {
            value, read, lost, ..
        } = self.memory;
        let (whole, after) = self.redis.journal.since(read);
        let knows_all = whole && after.is_empty()
            || setup.flaw == Some(Flaw::ReadsOverGaps) && after.is_empty();
        if value == 0 || lost || read == 0 || !knows_all {
            return Ok(());
        }
        let stale = match self.memory.judge(self.memory.position) {
            Validity::Valid(_) => value < self.removed.max(self.outdated),
            Validity::Outdated => value < self.removed,
            Validity::Invalid => false,
        };
        if stale { Err(Broken::Memory) } else { Ok(()) }
    }
}

fn standing(setup: &Setup, entry: Stored, era: u8, tag: (u8, u8)) -> Standing {
    let version = |(hard, soft): (u8, u8)| Version {
        hard: hard.into(),
        soft: match setup.flaw {
            Some(Flaw::IgnoresSoftNumbers) => 0,
            _ => soft.into(),
        },
    };
    let stamp = Stamp {
        era: match setup.flaw {
            Some(Flaw::ForgetsEras) => era.into(),
            _ => entry.era.into(),
        },
        versions: vec![version(entry.tag)],
    };
    let current = match (tag.0, setup.flaw) {
        (0, Some(Flaw::PassesMissingTags)) => Some(version(entry.tag)),
        (0, _) => None,
        _ => Some(version(tag)),
    };
    stamp.standing(era.into(), &[current])
}
