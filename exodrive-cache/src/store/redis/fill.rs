//! What a fill remembers.

use exodrive_redis::StreamEntry;

use super::stamp::Version;
use crate::store::ledger::Position;
use crate::{CacheKey, Tag};

/// A fill of a [`RedisStore`](super::RedisStore).
#[derive(Debug)]
pub struct RedisFill {
    pub(super) key: CacheKey,
    pub(super) era: u64,
    /// The newest record of the journal when the fill was opened.
    pub(super) opened_at: Option<StreamEntry>,
    /// The position of this instance's own ledger then.
    pub(in crate::store) position: Position,
    /// The tags that were known then, and their versions.
    pub(super) captured: Vec<(Tag, Version)>,
    /// Where in the journal that begins which may not be in the data yet that the handler reads.
    pub(in crate::store) recent_from: Option<String>,
    /// Whether other instances wait for this one.
    pub(super) has_lease: bool,
}

impl RedisFill {
    pub(super) fn captured(&self, tag: &Tag) -> Option<Version> {
        let mut captured = self.captured.iter();
        captured
            .find(|(known, _)| known == tag)
            .map(|(_, version)| *version)
    }
}
