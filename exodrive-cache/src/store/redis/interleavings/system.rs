//! Everything that takes part, as small as it can be: one key, one tag that its entry carries and another one, a
//! database with one row, a Redis server, and the memory and the journal reader of one instance.
//!
//! What decides is the code of the stores: [`Stamp::standing`], [`Since::overtakes`] and
//! [`Mark::judge`].

use super::super::record::{Record, Since};
use super::super::stamp::{Stamp, Standing, Version};
use crate::Tag;
use crate::store::Invalidation;
use crate::store::ledger::{Mark, Validity};

/// Which processes there are, and what may happen to them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) writers: &'static [Writes],
    /// Fills that know the tag when they are opened.
    pub(super) early_fills: usize,
    /// Fills that learn the tag from the answer.
    pub(super) late_fills: usize,
    pub(super) lookups: usize,
    pub(super) budget: Budget,
    /// Whether only one fill at a time is opened.
    pub(super) leases: bool,
    pub(super) flaw: Option<Flaw>,
}

/// A change of the row, and the invalidation that follows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Writes {
    Hard,
    Soft,
    /// An invalidation of the tag that the entry does not carry.
    Elsewhere,
    /// A hard one by the instance whose memory is watched.
    Here,
}

/// How often the environment may do what it can do at any moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Budget {
    pub(super) tag_evictions: u8,
    pub(super) entry_evictions: u8,
    pub(super) journal_evictions: u8,
    /// An invalidation stops half-way, and is done again from its beginning.
    pub(super) failures: u8,
    /// The server is replaced by one with older data.
    pub(super) failovers: u8,
    /// A lease ends before its fill.
    pub(super) expiries: u8,
}

/// A mistake that the search has to find.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Flaw {
    /// A late tag is stored whatever the journal says.
    IgnoresJournal,
    /// The journal is asked whether it is whole, not whom it names.
    IgnoresNames,
    /// A journal that is not whole is taken for one.
    IgnoresGaps,
    /// The second record is written before the versions change.
    TellsMemoriesTooEarly,
    /// The first record is written after the versions have changed.
    TellsFillsTooLate,
    /// The versions of early tags are read when the answer is there.
    CapturesTooLate,
    /// A tag without a version passes.
    PassesMissingTags,
    /// Only the hard numbers are compared.
    IgnoresSoftNumbers,
    /// A soft invalidation of a missing tag leaves a version.
    RevivesMissingTags,
    /// Versions are counted from one.
    CountsVersions,
    /// A lookup notes the memory's position when it has its answer.
    PromotesAtTheEnd,
    /// A fill notes the memory's position when it has its answer.
    RemembersAtTheEnd,
    /// The journal reader goes on after a gap.
    ReadsOverGaps,
    /// Entries do not say for which server they were made.
    ForgetsEras,
    /// An outdated entry is promoted.
    PromotesOutdated,
}

/// What a record is about; the reader knows those of its own instance.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum About {
    Nothing,
    Hard,
    Soft,
    Elsewhere,
    Here,
}

const MAX_RECORDS: usize = 10;
const PACKED: usize = 120;

/// The journal: records with numbers that never repeat.
#[derive(Clone, Copy, Debug)]
struct Journal {
    records: [(u8, About); MAX_RECORDS],
    length: u8,
}

/// An entry with its stamp; the value is the version of the row that it was made of.
#[derive(Clone, Copy, Debug, Default)]
struct Stored {
    value: u8,
    era: u8,
    /// A hard number of 0 is none.
    tag: (u8, u8),
}

/// What Redis holds.
#[derive(Clone, Copy, Debug)]
struct Data {
    tag: (u8, u8),
    /// A value of 0 is none.
    entry: Stored,
    journal: Journal,
}

#[derive(Clone, Copy, Debug, Default)]
struct Writer {
    step: u8,
    value: u8,
}

#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
struct Fill {
    step: u8,
    /// The newest record when the fill was opened.
    opened_at: u8,
    /// The position of the memory then.
    position: u8,
    era: u8,
    value: u8,
    tag: (u8, u8),
}

#[derive(Clone, Copy, Debug, Default)]
struct Lookup {
    step: u8,
    position: u8,
    era: u8,
    entry: Stored,
    tag: (u8, u8),
    /// What had been invalidated when the lookup began.
    removed: u8,
    outdated: u8,
}

/// The memory of the instance and its ledger.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    head: u8,
    floor: u8,
    hard: u8,
    soft: u8,
    /// A value of 0 is none.
    value: u8,
    position: u8,
    /// The number of the record that was read last; 0 before the first, when the memory is not used.
    read: u8,
    /// Whether the connection of the reader is lost.
    lost: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    row: u8,
    server: u8,
    redis: Data,
    /// What a replica has, once it has been cut off.
    replica: Option<Data>,
    /// The last number that a record was given.
    numbered: u8,
    memory: Memory,
    writers: [Writer; 3],
    fills: [Fill; 2],
    lookups: [Lookup; 1],
    budget: Budget,
    /// The fill that has the lease, counted from 1.
    lease: u8,
    /// The newest row whose hard, and whose hard or soft, invalidation has been applied.
    removed: u8,
    outdated: u8,
}

/// Where processes are when they have nothing more to do.
const DONE: u8 = 9;

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

    fn write(&self, setup: &Setup, n: usize, go: &mut impl FnMut(Self)) {
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

    fn fill(&self, setup: &Setup, n: usize, go: &mut impl FnMut(Self)) -> Result<(), Broken> {
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

    fn look_up(&self, setup: &Setup, go: &mut impl FnMut(Self)) -> Result<(), Broken> {
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
    fn finds(
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

    fn read_journal(&self, setup: &Setup, go: &mut impl FnMut(Self)) {
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

    fn suffer(&self, go: &mut impl FnMut(Self)) {
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
    fn memory_keeps_its_promise(&self, setup: &Setup) -> Result<(), Broken> {
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

    fn append(&mut self, about: About) {
        self.numbered += 1;
        self.redis.journal.push((self.numbered, about));
    }

    /// Returns a number that nobody remembers, which is what a random one is.
    fn unknown_hard(&self) -> u8 {
        self.unknown(|tag| tag.0)
    }

    fn unknown_soft(&self) -> u8 {
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

// === impl Writes, About, Journal, Memory ===

impl Writes {
    fn record(self) -> About {
        match self {
            Self::Hard => About::Hard,
            Self::Soft => About::Soft,
            Self::Elsewhere => About::Elsewhere,
            Self::Here => About::Here,
        }
    }
}

impl About {
    fn record(self) -> Option<Record> {
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
    fn empty() -> Self {
        Self {
            records: [(0, About::Nothing); MAX_RECORDS],
            length: 0,
        }
    }

    fn push(&mut self, record: (u8, About)) {
        self.records[usize::from(self.length)] = record;
        self.length += 1;
    }

    fn newest(&self) -> u8 {
        let records = &self.records[..usize::from(self.length)];
        records.last().map_or(0, |(number, _)| *number)
    }

    /// Returns whether a record is still there, and those behind it.
    fn since(&self, read: u8) -> (bool, &[(u8, About)]) {
        let records = &self.records[..usize::from(self.length)];
        let known = records.iter().take_while(|(number, _)| *number <= read);
        let known = known.count();
        let whole = known > 0 && records[known - 1].0 == read;
        (whole, &records[known..])
    }
}

impl Memory {
    fn apply(&mut self, about: About) {
        self.head += 1;
        match about {
            About::Hard => self.hard = self.head,
            About::Soft => self.soft = self.head,
            About::Nothing | About::Elsewhere | About::Here => {}
        }
    }

    fn forget_all(&mut self) {
        self.head += 1;
        self.floor = self.head;
        (self.hard, self.soft) = (0, 0);
    }

    fn put(&mut self, value: u8, position: u8) {
        if self.judge(position) != Validity::Invalid {
            (self.value, self.position) = (value, position);
        }
    }

    fn judge(&self, position: u8) -> Validity {
        let mark = Mark {
            hard: self.hard.into(),
            soft: self.soft.into(),
        };
        mark.judge(position.into(), self.floor.into(), self.head.into())
    }
}
