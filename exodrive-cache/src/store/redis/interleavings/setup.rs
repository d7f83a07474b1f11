//! What is searched.

use super::parts::About;

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

impl Writes {
    pub(super) fn record(self) -> About {
        match self {
            Self::Hard => About::Hard,
            Self::Soft => About::Soft,
            Self::Elsewhere => About::Elsewhere,
            Self::Here => About::Here,
        }
    }
}
