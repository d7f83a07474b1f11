//! What an answer is expected to look like before it has been read.

use std::sync::Arc;

use exodrive_redis::{Command, Error, FromReply, Reply};
use http::HeaderName;
use xxhash_rust::xxh3::xxh3_64;

use super::keys::Keys;
use crate::entry::encode_vary;
use crate::vary::Vary;
use crate::{CacheKey, Entry, Tag};

/// The field of a hash that names the fields that the answer varies by.
pub(super) const NAMES: &str = "vary";

/// What the answers to a key vary by, and the tags that they carry.
///
/// To look up an entry in one round trip, one has to know the versions of which tags to ask for. They are those that
/// the entry had the last time this instance read it, or those of the policy before; should the
/// entry have others, it takes another round trip, once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Shape {
    pub(super) names: Arc<[HeaderName]>,
    pub(super) tags: Arc<[Tag]>,
}

impl Shape {
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            names: entry.vary().names().cloned().collect(),
            tags: entry.tags().into(),
        }
    }

    /// Returns which variant the request of a key selects.
    pub(super) fn variant(&self, key: &CacheKey) -> Vary {
        Vary::of_names(&self.names, key.request_headers())
    }

    /// Asks for the entry and for the versions of its tags.
    pub(super) fn ask(&self, keys: &Keys, key: &CacheKey) -> Vec<Command> {
        let entry = Command::new("HMGET").arg(keys.entry(key));
        let entry = entry.arg(NAMES).arg(field(&self.variant(key)));
        let tags = self
            .tags
            .iter()
            .map(|tag| Command::new("GET").arg(keys.tag(tag)));
        [entry].into_iter().chain(tags).collect()
    }
}

/// Names the field of a variant.
pub(super) fn field(variant: &Vary) -> String {
    format!("{:016x}", xxh3_64(&encode_vary(variant)))
}

pub(super) fn write_names(vary: &Vary) -> String {
    let names: Vec<_> = vary.names().map(HeaderName::as_str).collect();
    names.join(",")
}

fn read_names(text: &[u8]) -> Option<Arc<[HeaderName]>> {
    let names = text
        .split(|&byte| byte == b',')
        .filter(|name| !name.is_empty());
    names
        .map(|name| HeaderName::from_bytes(name).ok())
        .collect()
}

/// The reply to a read of a hash.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) names: Arc<[HeaderName]>,
    pub(super) entry: Option<Vec<u8>>,
}

impl FromReply for Slot {
    fn from_reply(reply: Reply) -> Result<Self, Error> {
        let [names, entry] = <[Option<Vec<u8>>; 2]>::from_reply(reply)?;
        let names = names.and_then(|names| read_names(&names));
        Ok(Self {
            names: names.unwrap_or_default(),
            entry,
        })
    }
}
