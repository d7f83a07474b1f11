//! Invalidating, and doing it again where that failed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use exodrive_redis::{Command, Error, ErrorKind};
use tokio::time::timeout;

use super::deferred::Ticket;
use super::link::Order;
use super::record::Record;
use super::shared::{Shared, TAG_TTL, expire};
use super::stamp::Version;
use crate::Tag;
use crate::store::Invalidation;

/// How soon an invalidation is sent again that the server refused.
const RETRY: Duration = Duration::from_secs(1);

impl Shared {
    /// Invalidates, here at once and everywhere if the server can be reached.
    ///
    /// Returns `None` if it cannot be and too many invalidations wait for it already.
    pub(super) async fn invalidate(self: &Arc<Self>, record: Record) -> Option<Result<(), Error>> {
        self.ledger.invalidate(&record.tags, record.how);
        let ticket = self.deferred.begin(record.clone())?;
        let applied = self.apply(std::slice::from_ref(&record)).await;
        match &applied {
            Ok(()) => self.deferred.applied([ticket]),
            Err(_) => {
                self.deferred.failed(ticket);
                self.repeat_in_background();
            }
        }
        Some(applied)
    }

    /// Sends the oldest again of what has failed, as much as goes at once.
    pub(super) async fn repeat(&self) -> Result<(), Error> {
        let (tickets, records): (Vec<Ticket>, Vec<Record>) =
            self.deferred.oldest_failed().into_iter().unzip();
        self.apply(&records).await?;
        self.deferred.applied(tickets);
        Ok(())
    }

    /// Tells fills, changes the versions, and tells the memories of the instances, in this order.
    async fn apply(&self, records: &[Record]) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let applied = self.try_apply(records).await;
        let refused = matches!(&applied, Err(error) if error.kind() == ErrorKind::Refused);
        self.refused.store(refused, Ordering::Release);
        applied?;
        // What was read meanwhile may be older. The reader of the journal leaves this to us.
        for record in records {
            self.ledger.invalidate(&record.tags, record.how);
        }
        Ok(())
    }

    async fn try_apply(&self, records: &[Record]) -> Result<(), Error> {
        let server = self.link.server(&self.keys).await?;
        let tell = || records.iter().map(|record| self.append(record));
        let change = records.iter().flat_map(|record| {
            let tags = record.tags.iter();
            tags.flat_map(|tag| self.change(tag, record.how))
        });
        let commands = tell().chain(change).chain(tell()).collect();
        self.link
            .send_all(&server, Order::AsGiven, commands)
            .await?;
        Ok(())
    }

    /// Removes a tag's version, or changes its soft number.
    ///
    /// Removing needs no memory, so a server that is full does not refuse it.
    fn change(&self, tag: &Tag, how: Invalidation) -> Vec<Command> {
        let key = self.keys.tag(tag);
        match how {
            Invalidation::Hard => vec![Command::new("DEL").arg(key)],
            Invalidation::Soft => {
                let soft = fastrand::u64(..).to_le_bytes();
                let set = Command::new("SETRANGE").arg(&key);
                vec![
                    set.arg(Version::SOFT_AT).arg(soft),
                    expire(&key, TAG_TTL, "NX"),
                ]
            }
        }
    }

    /// Sends again what has failed until it has arrived, whether or not anybody reads meanwhile.
    fn repeat_in_background(self: &Arc<Self>) {
        if self.repeats.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = Arc::downgrade(self);
        let mut health = self.redis().watch();
        tokio::spawn(async move {
            loop {
                // The handle says when it is connected again; for all else there is the clock.
                let _ = timeout(RETRY, health.changed()).await;
                let Some(shared) = shared.upgrade() else {
                    return;
                };
                while shared.repeat().await.is_ok() {
                    if shared.deferred.any_failed() {
                        continue;
                    }
                    shared.repeats.store(false, Ordering::Release);
                    if !shared.deferred.any_failed() || shared.repeats.swap(true, Ordering::AcqRel)
                    {
                        return;
                    }
                }
            }
        });
    }
}
