//! Looking up an entry.

use std::sync::Arc;

use bytes::Bytes;
use exodrive_redis::{Error, FromReply, Reply};

use super::link::{Order, Server};
use super::shape::{Shape, Slot};
use super::shared::Shared;
use super::stamp::{Stamp, Standing, Version};
use crate::store::ledger::{Position, Validity};
use crate::store::{Found, Invalidation};
use crate::{CacheKey, Entry, Tag};

/// How often a lookup asks: what it expected, what the entry varies by, what tags it has.
const MAX_ASKS: usize = 3;

impl Shared {
    pub(super) async fn lookup(
        &self,
        key: &CacheKey,
        tags: &[Tag],
    ) -> Result<Option<Found>, Error> {
        let position = self.ledger.head();
        let server = self.server().await?;
        let known = self.shapes.get(&key.digest());
        let mut shape = known.unwrap_or_else(|| Shape {
            tags: tags.into(),
            ..Shape::default()
        });
        for _ in 0..MAX_ASKS {
            let commands = shape.ask(&self.keys, key);
            let replies = self.link.send_all(&server, Order::Any, commands).await?;
            let mut replies = replies.into_iter();
            let slot = Slot::from_reply(replies.next().unwrap_or(Reply::Nil))?;
            if slot.names != shape.names {
                shape.names = slot.names;
                continue;
            }
            let Some((stamp, entry)) = slot.entry.and_then(|bytes| decode(key, bytes)) else {
                return Ok(None);
            };
            if *entry.tags() != *shape.tags {
                shape.tags = entry.tags().into();
                self.shapes.insert(key.digest(), shape.clone());
                continue;
            }
            let versions: Vec<_> = replies.map(version).collect();
            let standing = stamp.standing(server.era, &versions);
            return Ok(self.found(&server, position, entry, standing));
        }
        Ok(None)
    }

    fn found(
        &self,
        server: &Server,
        position: Position,
        entry: Entry,
        standing: Standing,
    ) -> Option<Found> {
        // Another server may have answered than the one whose era it is.
        if !self.link.is_still(server) {
            return None;
        }
        // What this instance has invalidated may not have arrived, or only after the entry was read.
        let here = self.ledger.check(position, entry.tags());
        let outdated = match (standing, here, self.deferred.treats(entry.tags())) {
            (Standing::Gone, ..) | (_, Validity::Invalid, _) => return None,
            (.., Some(Invalidation::Hard)) => return None,
            (Standing::Current, Validity::Valid(_), None) => false,
            _ => true,
        };
        let entry = Arc::new(entry);
        Some(Found { entry, outdated })
    }
}

/// Reads what a hash has for a variant. What cannot be read is no entry.
fn decode(key: &CacheKey, bytes: Vec<u8>) -> Option<(Stamp, Entry)> {
    let mut bytes = Bytes::from(bytes);
    let stamp = Stamp::decode(&mut bytes)?;
    let entry = match Entry::decode_for(key, &bytes) {
        Ok(entry) => entry?,
        Err(error) => {
            tracing::debug!(%error, "what Redis holds is not read");
            return None;
        }
    };
    key.selects(entry.vary()).then_some((stamp, entry))
}

fn version(reply: Reply) -> Option<Version> {
    match reply {
        Reply::Bytes(bytes) => Version::from_bytes(&bytes),
        _ => None,
    }
}
