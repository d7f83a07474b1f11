//! Everything that takes part, as small as it can be: one key, one tag that its entry carries and another one, a
//! database with one row, a Redis server, and the memory and the journal reader of one instance.
//!
//! What decides is the code of the stores: `Stamp::standing`, `Since::overtakes` and `Mark::judge`.

use super::parts::{About, Data, Journal, Memory, Stored};
use super::setup::{Budget, Setup};

const PACKED: usize = 120;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Writer {
    pub(super) step: u8,
    pub(super) value: u8,
}

#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Fill {
    pub(super) step: u8,
    /// The newest record when the fill was opened.
    pub(super) opened_at: u8,
    /// The position of the memory then.
    pub(super) position: u8,
    pub(super) era: u8,
    pub(super) value: u8,
    pub(super) tag: (u8, u8),
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lookup {
    pub(super) step: u8,
    pub(super) position: u8,
    pub(super) era: u8,
    pub(super) entry: Stored,
    pub(super) tag: (u8, u8),
    /// What had been invalidated when the lookup began.
    pub(super) removed: u8,
    pub(super) outdated: u8,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) row: u8,
    pub(super) server: u8,
    pub(super) redis: Data,
    /// What a replica has, once it has been cut off.
    pub(super) replica: Option<Data>,
    /// The last number that a record was given.
    pub(super) numbered: u8,
    pub(super) memory: Memory,
    pub(super) writers: [Writer; 3],
    pub(super) fills: [Fill; 2],
    pub(super) lookups: [Lookup; 1],
    pub(super) budget: Budget,
    /// The fill that has the lease, counted from 1.
    pub(super) lease: u8,
    /// The newest row whose hard, and whose hard or soft, invalidation has been applied.
    pub(super) removed: u8,
    pub(super) outdated: u8,
}

/// Where processes are when they have nothing more to do.
pub(super) const DONE: u8 = 9;

/// A promise that was broken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Broken {
    /// A lookup found what had been removed, or took for current what had been outdated.
    Redis,
    /// The memory held it although it knew every record.
    Memory,
    /// Two fills were open although no lease had ended.
    Lease,
}

// === impl State ===

impl State {
    pub(super) fn first(setup: &Setup) -> Self {
        let mut journal = Journal::empty();
        journal.push((1, About::Nothing));
        let late = setup.late_fills;
        let finished = |n: usize, many: usize| if n < many { 0 } else { DONE };
        Self {
            row: 1,
            server: 1,
            redis: Data {
                tag: (0, 0),
                entry: Stored::default(),
                journal,
            },
            replica: None,
            numbered: 1,
            memory: Memory {
                read: 1,
                ..Memory::default()
            },
            writers: [0, 1, 2].map(|n| Writer {
                step: finished(n, setup.writers.len()),
                value: 0,
            }),
            fills: [0, 1].map(|n| Fill {
                step: finished(n, late + setup.early_fills),
                ..Fill::default()
            }),
            lookups: [Lookup {
                step: finished(0, setup.lookups),
                ..Lookup::default()
            }],
            budget: setup.budget,
            lease: 0,
            removed: 0,
            outdated: 0,
        }
    }

    /// Forgets what makes no difference any longer.
    fn settled(mut self, setup: &Setup) -> Self {
        for fill in &mut self.fills {
            if fill.step == DONE {
                *fill = Fill {
                    step: DONE,
                    ..Fill::default()
                };
            }
        }
        for writer in &mut self.writers {
            if writer.step == DONE {
                writer.value = 0;
            }
        }
        // Two of a kind are the same in either order.
        if setup.late_fills != 1 && !setup.leases {
            self.fills.sort_unstable();
        }
        self
    }

    /// Writes everything down in one piece, which is compared and hashed much faster than its parts.
    pub(super) fn packed(&self) -> [u8; PACKED] {
        let mut bytes = [0; PACKED];
        let mut at = 0;
        let mut push = |more: &[u8]| {
            bytes[at..at + more.len()].copy_from_slice(more);
            at += more.len();
        };
        for data in [Some(&self.redis), self.replica.as_ref()] {
            let Some(Data {
                tag,
                entry,
                journal,
            }) = data
            else {
                continue;
            };
            push(&[journal.length, tag.0, tag.1]);
            push(&[entry.value, entry.era, entry.tag.0, entry.tag.1]);
            for (number, about) in &journal.records[..usize::from(journal.length)] {
                push(&[*number, *about as u8]);
            }
        }
        let memory = &self.memory;
        push(&[memory.head, memory.floor, memory.hard, memory.soft]);
        push(&[
            memory.value,
            memory.position,
            memory.read,
            memory.lost.into(),
        ]);
        for writer in &self.writers {
            push(&[writer.step, writer.value]);
        }
        for fill in &self.fills {
            push(&[fill.step, fill.opened_at, fill.position, fill.era]);
            push(&[fill.value, fill.tag.0, fill.tag.1]);
        }
        for Lookup { entry, tag, .. } in &self.lookups {
            push(&[
                entry.value,
                entry.era,
                entry.tag.0,
                entry.tag.1,
                tag.0,
                tag.1,
            ]);
        }
        for lookup in &self.lookups {
            push(&[lookup.step, lookup.position, lookup.era]);
            push(&[lookup.removed, lookup.outdated]);
        }
        let budget = self.budget;
        push(&[
            budget.tag_evictions,
            budget.entry_evictions,
            budget.journal_evictions,
        ]);
        push(&[budget.failures, budget.failovers, budget.expiries]);
        push(&[self.row, self.server, self.lease, self.numbered]);
        push(&[self.removed, self.outdated, self.replica.is_some().into()]);
        bytes
    }

    /// Passes on every state that can come next.
    pub(super) fn next(&self, setup: &Setup, mut visit: impl FnMut(Self)) -> Result<(), Broken> {
        let mut go = |next: Self| visit(next.settled(setup));
        self.memory_keeps_its_promise(setup)?;
        // What a lookup would find that is done in no time.
        self.finds(
            setup,
            self.redis.entry,
            self.redis.tag,
            (self.removed, self.outdated),
        )?;
        for n in 0..self.writers.len() {
            self.write(setup, n, &mut go);
        }
        for n in 0..self.fills.len() {
            self.fill(setup, n, &mut go)?;
        }
        self.look_up(setup, &mut go)?;
        self.read_journal(setup, &mut go);
        self.suffer(&mut go);
        Ok(())
    }

    pub(super) fn append(&mut self, about: About) {
        self.numbered += 1;
        self.redis.journal.push((self.numbered, about));
    }

    /// Returns a number that nobody remembers, which is what a random one is.
    pub(super) fn unknown_hard(&self) -> u8 {
        self.unknown(|tag| tag.0)
    }

    pub(super) fn unknown_soft(&self) -> u8 {
        self.unknown(|tag| tag.1)
    }

    fn unknown(&self, of: impl Fn((u8, u8)) -> u8) -> u8 {
        let mut known = [0_u64; 4];
        let mut note = |tag: (u8, u8)| {
            let number = of(tag);
            known[usize::from(number / 64)] |= 1 << (number % 64);
        };
        note(self.redis.tag);
        note(self.redis.entry.tag);
        if let Some(replica) = self.replica {
            note(replica.tag);
            note(replica.entry.tag);
        }
        for fill in &self.fills {
            note(fill.tag);
        }
        for lookup in &self.lookups {
            note(lookup.tag);
            note(lookup.entry.tag);
        }
        let is_known = |number: u8| known[usize::from(number / 64)] & (1 << (number % 64)) != 0;
        (1..100).find(|number| !is_known(*number)).unwrap_or(100)
    }
}
