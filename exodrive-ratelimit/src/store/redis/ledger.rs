//! The ledger in Redis.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use exodrive_redis::{Command, Error, FromReply, RedisClient, Reply, Script};
use tokio::time::Instant;

use super::clock::Clock;
use super::key::Keys;
use crate::control::{Changes, Entry, Event, Note, Order};
use crate::store::StoreError;
use crate::store::ledger::{EVENTS, MOST_ENTRIES};
use crate::time::micros;

static ORDER: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../../../lua/order.lua")));

static CHANGES: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../../../lua/changes.lua")));

#[derive(Clone, Debug)]
pub(in crate::store) struct RedisLedger {
    redis: RedisClient,
    keys: ControlKeys,
    clock: Clock,
    origin: Instant,
    /// The server's time at the origin, in microseconds since 1970.
    epoch: Arc<AtomicU64>,
}

/// The keys of a ledger, all in one slot.
#[derive(Clone, Debug)]
struct ControlKeys {
    version: String,
    orders: String,
    changes: String,
    ends: String,
    events: String,
}

impl RedisLedger {
    pub(super) fn new(redis: RedisClient, keys: &Keys, clock: Clock) -> Self {
        let today = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            redis,
            keys: ControlKeys {
                version: keys.of_control("version"),
                orders: keys.of_control("orders"),
                changes: keys.of_control("changes"),
                ends: keys.of_control("ends"),
                events: keys.of_control("events"),
            },
            clock,
            origin: Instant::now(),
            epoch: Arc::new(AtomicU64::new(today.map_or(0, micros))),
        }
    }

    /// The server's time, as of when it was last heard of.
    pub(in crate::store) fn now(&self) -> u64 {
        let since = || self.epoch.load(Ordering::Relaxed) + micros(self.origin.elapsed());
        self.clock.manual().unwrap_or_else(since)
    }

    pub(in crate::store) async fn changes_since(
        &self,
        known: u64,
    ) -> Result<Option<Changes>, StoreError> {
        let ControlKeys {
            version,
            orders,
            changes,
            ..
        } = &self.keys;
        let call = CHANGES.keys([version, orders, changes]);
        let call = call.arg(self.clock.now()).arg(known);
        let Heard { now, changes } = self.redis.invoke(&call).await.map_err(StoreError::new)?;
        let origin = now.saturating_sub(micros(self.origin.elapsed()));
        self.epoch.store(origin, Ordering::Relaxed);
        Ok((changes.version != known).then_some(changes))
    }

    pub(in crate::store) async fn order(
        &self,
        order: Order,
        lasting: Option<Duration>,
        reason: &str,
        actor: &str,
    ) -> Result<(), StoreError> {
        let id = order.id();
        let line = Entry::new(order, None, reason, actor).value();
        let lasting = lasting.map_or(String::new(), |lasting| micros(lasting).to_string());
        self.change(&id, &line, &lasting).await
    }

    pub(in crate::store) async fn lift(&self, id: &str) -> Result<(), StoreError> {
        self.change(id, "", "").await
    }

    async fn change(&self, id: &str, line: &str, lasting: &str) -> Result<(), StoreError> {
        let ControlKeys {
            version,
            orders,
            changes,
            ends,
            ..
        } = &self.keys;
        let call = ORDER.keys([version, orders, changes, ends]);
        let call = call
            .arg(self.clock.now())
            .args([id, line, lasting])
            .arg(MOST_ENTRIES);
        match self.redis.invoke(&call).await.map_err(StoreError::new)? {
            true => Ok(()),
            false => Err(StoreError::no_room()),
        }
    }

    pub(in crate::store) async fn record(&self, note: &Note) -> Result<(), StoreError> {
        let command = Command::new("XADD").arg(&self.keys.events);
        let command = command
            .args(["MAXLEN", "~"])
            .arg(EVENTS)
            .args(["*", "event"]);
        let added = self.redis.query(&command.arg(note.line())).await;
        added.map_err(StoreError::new)
    }

    pub(in crate::store) async fn events(&self, most: usize) -> Result<Vec<Event>, StoreError> {
        let command = Command::new("XREVRANGE").arg(&self.keys.events);
        let command = command.args(["+", "-", "COUNT"]).arg(most);
        let Told(events) = self.redis.query(&command).await.map_err(StoreError::new)?;
        Ok(events)
    }
}

/// The reply of `changes.lua`.
struct Heard {
    now: u64,
    changes: Changes,
}

impl FromReply for Heard {
    fn from_reply(reply: Reply) -> Result<Self, Error> {
        let unexpected = || Error::unexpected("the reply of changes");
        let Reply::Array(replies) = reply else {
            return Err(unexpected());
        };
        let mut replies = replies.into_iter();
        let mut number = || match replies.next() {
            Some(Reply::Integer(number)) => u64::try_from(number).map_err(|_| unexpected()),
            _ => Err(unexpected()),
        };
        let (version, now, all) = (number()?, number()?, number()? == 1);
        let mut entries = Vec::new();
        while let Some(id) = replies.next() {
            let id = String::from_reply(id)?;
            let line = String::from_reply(replies.next().ok_or_else(unexpected)?)?;
            // What a later version of this crate has ordered may mean nothing to this one, which must not stop it from
            // obeying the rest.
            let entry = Entry::parse(&id, &line);
            if entry.is_none() && !line.is_empty() {
                tracing::warn!(
                    id,
                    "an order of the rate limits is not understood and is left out"
                );
            }
            entries.push((id.into(), entry.map(Arc::new)));
        }
        let changes = Changes {
            version,
            all,
            entries,
        };
        Ok(Self { now, changes })
    }
}

/// Entries of the stream of events, those that can be read.
struct Told(Vec<Event>);

impl FromReply for Told {
    fn from_reply(reply: Reply) -> Result<Self, Error> {
        let entries = Vec::<[Reply; 2]>::from_reply(reply)?;
        let events = entries.into_iter().filter_map(|[id, fields]| {
            let id = String::from_reply(id).ok()?;
            let milliseconds = id.split('-').next()?.parse().ok()?;
            let [_, line] = <[String; 2]>::from_reply(fields).ok()?;
            let at = UNIX_EPOCH + Duration::from_millis(milliseconds);
            Some(Note::parse(&line)?.at(at))
        });
        Ok(Self(events.collect()))
    }
}
