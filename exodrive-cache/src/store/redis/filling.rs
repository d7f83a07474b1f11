//! Opening a fill, and ending it.

use std::time::Duration;

use exodrive_redis::{Command, Error, FromReply, Reply, StreamEntry};
use tokio::time::{Instant, sleep};

use super::fill::RedisFill;
use super::link::{Order, Server};
use super::record::{Record, Since};
use super::shape::{NAMES, Shape, field, write_names};
use super::shared::{Shared, TAG_TTL, expire, millis};
use super::stamp::{Stamp, Version};
use crate::store::ledger::Validity;
use crate::store::{Commit, Invalidation, Opened, Opening, Release, Turn};
use crate::{CacheKey, Entry, Tag};

/// No entry is kept longer.
const MAX_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long instances go without waiting for each other after an answer that may not be stored.
const UNSTORABLE_FOR: Duration = Duration::from_secs(30);
/// What a lease holds then. Otherwise it holds nothing that anybody has to know.
const UNSTORABLE: &[u8] = b"-";
/// The largest entry that is stored, in bytes.
const MAX_ENTRY: usize = 8 << 20;
/// How many variants of an answer are kept under one key.
const MAX_VARIANTS: i64 = 16;
/// How many records a fill looks through at its end.
const MAX_RECORDS: usize = 2_000;
/// The pauses between two looks at what another instance is filling.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

impl Shared {
    pub(super) async fn open(&self, opening: Opening<'_>) -> Result<Opened<RedisFill>, Error> {
        let Opening {
            key,
            tags,
            replaces,
            turn,
            replica_lag,
        } = opening;
        let mut pause = FIRST_PAUSE;
        let began = Instant::now();
        loop {
            if let Some(fill) = self.try_open(key, tags, turn, replica_lag).await? {
                return Ok(Opened::Fill(fill));
            }
            if turn != Turn::Wait || began.elapsed() > self.lease {
                return Ok(Opened::Busy);
            }
            sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause.mul_f32(1.5));
            if let Some(found) = self.lookup(key, tags).await?
                && !found.outdated
                && replaces.is_none_or(|old| found.entry.answered_at() > old.answered_at())
            {
                return Ok(Opened::Found(found));
            }
        }
    }

    /// Opens a fill, unless another instance fills the key.
    async fn try_open(
        &self,
        key: &CacheKey,
        tags: &[Tag],
        turn: Turn,
        replica_lag: Duration,
    ) -> Result<Option<RedisFill>, Error> {
        let takes_lease = !self.lease.is_zero() && turn != Turn::Ignore;
        let position = self.ledger.head();
        let server = self.server().await?;
        let mut commands = vec![self.newest_record()];
        if takes_lease {
            let lease = Command::new("SET").arg(self.keys.lease(key)).arg(b"+");
            commands.push(lease.arg("NX").arg("GET").arg("PX").arg(millis(self.lease)));
        }
        if !replica_lag.is_zero() {
            commands.push(Command::new("TIME"));
        }
        let tags_at = commands.len();
        let fresh: Vec<_> = tags.iter().map(|_| Version::random()).collect();
        for (tag, fresh) in tags.iter().zip(&fresh) {
            commands.extend(self.ensure(tag, *fresh));
        }
        let mut replies = self.link.send_all(&server, Order::Any, commands).await?;
        let captured = self
            .ensured(&server, tags, &fresh, replies.split_off(tags_at))
            .await?;
        let mut replies = replies.into_iter();
        let newest = Vec::<StreamEntry>::from_reply(replies.next().unwrap_or(Reply::Nil))?.pop();
        let held = match takes_lease {
            true => Option::<Vec<u8>>::from_reply(replies.next().unwrap_or(Reply::Nil))?,
            false => None,
        };
        let recent_from = match replies.next() {
            Some(time) => Some(before(time, replica_lag)?),
            None => None,
        };
        match held.as_deref() {
            Some(held) if held != UNSTORABLE => return Ok(None),
            _ => {}
        }
        Ok(Some(RedisFill {
            key: key.clone(),
            era: server.era,
            opened_at: match newest {
                Some(newest) => Some(newest),
                None => self.begin_journal().await,
            },
            position,
            captured,
            recent_from,
            has_lease: held.is_none() && takes_lease,
        }))
    }

    /// Gives a tag a version, if it has none, and makes it last.
    fn ensure(&self, tag: &Tag, fresh: Version) -> [Command; 2] {
        let key = self.keys.tag(tag);
        let set = Command::new("SET").arg(&key).arg(fresh.to_bytes());
        [
            set.arg("NX").arg("GET").arg("PX").arg(millis(TAG_TTL)),
            expire(&key, TAG_TTL, "GT"),
        ]
    }

    /// Reads the replies to the commands of [`ensure`](Self::ensure).
    async fn ensured(
        &self,
        server: &Server,
        tags: &[Tag],
        fresh: &[Version],
        replies: Vec<Reply>,
    ) -> Result<Vec<(Tag, Version)>, Error> {
        let mut captured = Vec::with_capacity(tags.len());
        let mut replaced = Vec::new();
        let replies = replies.into_iter().step_by(2);
        for ((tag, fresh), reply) in tags.iter().zip(fresh).zip(replies) {
            let was = Option::<Vec<u8>>::from_reply(reply)?;
            let version = match was.as_deref().map(Version::from_bytes) {
                Some(Some(version)) => version,
                None => *fresh,
                // A soft invalidation found no version there.
                Some(None) => {
                    let set = Command::new("SET")
                        .arg(self.keys.tag(tag))
                        .arg(fresh.to_bytes());
                    replaced.push(set.arg("PX").arg(millis(TAG_TTL)));
                    *fresh
                }
            };
            captured.push((tag.clone(), version));
        }
        if !replaced.is_empty() {
            self.link.send_all(server, Order::Any, replaced).await?;
        }
        Ok(captured)
    }

    pub(super) fn newest_record(&self) -> Command {
        let newest = Command::new("XREVRANGE").arg(self.keys.journal());
        newest.arg("+").arg("-").arg("COUNT").arg(1)
    }

    /// Adds a record about nothing to the journal, so that it can be seen whether it is lost later.
    ///
    /// Returns its identifier.
    pub(super) async fn append_nothing(&self) -> Result<String, Error> {
        let nothing = Record {
            how: Invalidation::Soft,
            tags: Vec::new(),
        };
        self.redis().query(&self.append(&nothing)).await
    }

    async fn begin_journal(&self) -> Option<StreamEntry> {
        self.append_nothing().await.ok()?;
        let newest = self.newest_record();
        let mut newest = self.redis().query::<Vec<StreamEntry>>(&newest).await.ok()?;
        newest.pop()
    }

    pub(super) async fn is_current(&self, fill: &RedisFill, tags: &[Tag]) -> bool {
        if !matches!(self.ledger.check(fill.position, tags), Validity::Valid(_)) {
            return false;
        }
        match self.since(fill).await {
            Ok((whole, records)) => {
                let records = &records;
                !Since { whole, records }.overtakes(&[], tags)
            }
            // Without the server there is only what this instance knows.
            Err(_) => true,
        }
    }

    /// Reads what was added to the journal since a fill was opened, and whether that is all.
    async fn since(&self, fill: &RedisFill) -> Result<(bool, Vec<Record>), Error> {
        let Some(opened_at) = &fill.opened_at else {
            return Ok((false, Vec::new()));
        };
        let range = Command::new("XRANGE")
            .arg(self.keys.journal())
            .arg(opened_at.id());
        let range = range.arg("+").arg("COUNT").arg(MAX_RECORDS);
        let entries = self.redis().query::<Vec<StreamEntry>>(&range).await?;
        let known = entries.first() == Some(opened_at);
        let records: Vec<_> = entries
            .iter()
            .skip(known.into())
            .map(Record::read)
            .collect();
        let whole = known && entries.len() < MAX_RECORDS && records.iter().all(Option::is_some);
        Ok((whole, records.into_iter().flatten().collect()))
    }

    /// Returns whether something was invalidated that may not have been in the data yet that the handler read.
    async fn is_unsettled(&self, fill: &RedisFill, tags: &[Tag]) -> Result<bool, Error> {
        let Some(recent_from) = &fill.recent_from else {
            return Ok(false);
        };
        let range = Command::new("XRANGE").arg(self.keys.journal());
        let range = range
            .arg(recent_from)
            .arg("+")
            .arg("COUNT")
            .arg(MAX_RECORDS);
        let entries = self.redis().query::<Vec<StreamEntry>>(&range).await?;
        let may_name = |entry| Record::read(entry).is_none_or(|record| record.names(tags));
        Ok(entries.len() >= MAX_RECORDS || entries.iter().any(may_name))
    }

    pub(super) async fn commit(&self, fill: &RedisFill, entry: &Entry) -> Result<Commit, Error> {
        let tags = entry.tags();
        if !matches!(self.ledger.check(fill.position, tags), Validity::Valid(_)) {
            self.release(fill, Release::Failed).await;
            return Ok(Commit::Overtaken);
        }
        if self.is_unsettled(fill, tags).await? {
            self.release(fill, Release::Failed).await;
            return Ok(Commit::Unsettled);
        }
        let server = self.server().await?;
        let is_late = |tag: &&Tag| fill.captured(tag).is_none();
        let late: Vec<Tag> = tags.iter().filter(is_late).cloned().collect();
        let mut versions = fill.captured.clone();
        if !late.is_empty() {
            let fresh: Vec<_> = late.iter().map(|_| Version::random()).collect();
            let ensure = late
                .iter()
                .zip(&fresh)
                .flat_map(|(tag, fresh)| self.ensure(tag, *fresh));
            let replies = self
                .link
                .send_all(&server, Order::Any, ensure.collect())
                .await?;
            versions.extend(self.ensured(&server, &late, &fresh, replies).await?);
        }
        // Only now: an invalidation that the versions could be those of has left its record before.
        let (whole, records) = self.since(fill).await?;
        let captured: Vec<Tag> = fill.captured.iter().map(|(tag, _)| tag.clone()).collect();
        let records = &records;
        if (Since { whole, records }).overtakes(&captured, &late) {
            self.release(fill, Release::Failed).await;
            return Ok(Commit::Overtaken);
        }
        let version = |tag: &Tag| {
            versions
                .iter()
                .find(|(known, _)| known == tag)
                .map(|(_, version)| *version)
        };
        let stamp = Stamp {
            era: fill.era,
            versions: tags.iter().filter_map(version).collect(),
        };
        self.write(&server, fill, entry, &stamp).await
    }

    /// Writes an entry. That may be executed at any time later, but then its stamp tells.
    async fn write(
        &self,
        server: &Server,
        fill: &RedisFill,
        entry: &Entry,
        stamp: &Stamp,
    ) -> Result<Commit, Error> {
        let mut bytes = Vec::new();
        stamp.encode_into(&mut bytes);
        entry.encode_with(&mut bytes, self.pack_from);
        if bytes.len() > MAX_ENTRY {
            self.release(fill, Release::Unstorable).await;
            return Ok(Commit::TooLarge);
        }
        let key = self.keys.entry(&fill.key);
        let shape = Shape::of(entry);
        let variant = shape.variant(&fill.key);
        let ttl = time_to_live(entry);
        let put = Command::new("HSET").arg(&key);
        let put = put.arg(NAMES).arg(write_names(entry.vary()));
        let mut commands = vec![
            put.arg(field(&variant)).arg(bytes),
            // A key that has no end yet, and one that ends sooner.
            expire(&key, ttl, "NX"),
            expire(&key, ttl, "GT"),
            Command::new("HLEN").arg(&key),
        ];
        if fill.has_lease {
            commands.push(Command::new("DEL").arg(self.keys.lease(&fill.key)));
        }
        if ttl > TAG_TTL {
            let tags = entry.tags().iter();
            commands.extend(tags.map(|tag| expire(&self.keys.tag(tag), ttl, "GT")));
        }
        let replies = self.link.send_all(server, Order::AsGiven, commands).await?;
        let fields = replies
            .into_iter()
            .nth(3)
            .map(i64::from_reply)
            .transpose()?;
        // The names are a field, too.
        if fields.is_some_and(|fields| fields > MAX_VARIANTS + 1) {
            self.drop_variants(&key, &field(&variant)).await?;
        }
        self.shapes.insert(fill.key.digest(), shape);
        Ok(Commit::Stored)
    }

    /// Makes room among the variants of an answer; which of them goes does not matter.
    async fn drop_variants(&self, key: &str, but: &str) -> Result<(), Error> {
        let keys = Command::new("HKEYS").arg(key);
        let fields = self.redis().query::<Vec<String>>(&keys).await?;
        let others = fields
            .into_iter()
            .filter(|field| field != but && field != NAMES);
        let surplus: Vec<_> = others.skip(MAX_VARIANTS as usize - 1).collect();
        let drop = Command::new("HDEL").arg(key).args(&surplus);
        match surplus.is_empty() {
            true => Ok(()),
            false => self.redis().query(&drop).await,
        }
    }

    pub(super) async fn release(&self, fill: &RedisFill, release: Release) {
        let lease = self.keys.lease(&fill.key);
        let command = match release {
            Release::Unstorable => Command::new("SET")
                .arg(lease)
                .arg(UNSTORABLE)
                .arg("PX")
                .arg(millis(UNSTORABLE_FOR)),
            Release::Failed => Command::new("DEL").arg(lease),
        };
        if !self.lease.is_zero() && (fill.has_lease || release == Release::Unstorable) {
            // At worst, others wait until the lease ends.
            let _ = self.redis().query::<()>(&command).await;
        }
    }
}

/// Returns the least identifier that the journal could have given `lag` before the server's `time`.
fn before(time: Reply, lag: Duration) -> Result<String, Error> {
    let time = <[String; 2]>::from_reply(time)?;
    let [seconds, micros] = time.map(|number| number.parse::<u64>().ok());
    let (Some(seconds), Some(micros)) = (seconds, micros) else {
        return Err(Error::unexpected("a time"));
    };
    let now = seconds.saturating_mul(1_000).saturating_add(micros / 1_000);
    Ok(format!("{}-0", now.saturating_sub(millis(lag))))
}

/// Returns for how long an entry is of use, and a little more for one that can be validated.
fn time_to_live(entry: &Entry) -> Duration {
    let freshness = entry.freshness();
    let stale = freshness
        .stale_while_revalidate
        .max(freshness.stale_if_error);
    let fresh = freshness.lifetime.saturating_sub(freshness.initial_age);
    let useful = fresh.saturating_add(stale).min(MAX_TTL);
    useful + useful / 10 + Duration::from_secs(60)
}
