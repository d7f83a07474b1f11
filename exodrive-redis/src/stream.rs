//! Reading a stream on a connection of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::SendError;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::backoff::Backoff;
use crate::command::Command;
use crate::error::Error;
use crate::link::Link;
use crate::reply::FromReply;
use crate::reply::Reply;
use crate::servers::Servers;
use crate::shared::Shared;

/// How long the server holds a read back while there is nothing to read. Each of its ends shows
/// that the server is there, so this also bounds for how long a stall goes unnoticed.
const BLOCK: Duration = Duration::from_secs(1);

/// Entries asked for at a time, and events that wait to be taken.
const BATCH: usize = 64;

/// Follows a stream from now on, from [`RedisClient::read_stream`](crate::RedisClient::read_stream).
///
/// It has a connection of its own, since a blocking read holds up whatever is behind it, and
/// neither the breaker nor the calls in flight of the handle concern it. It reconnects by itself.
/// Dropped, it ends.
pub struct StreamReader {
    events: mpsc::Receiver<StreamEvent>,
    _task: JoinSet<()>,
}

/// What happens to a reader of a stream.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum StreamEvent {
    /// Reading begins with what is added from now on. Entries may have been missed before: this is
    /// the first event, the one after a gap whose end the stream no longer reaches back to, and the
    /// one after the stream was deleted or trimmed up to what was read last, which is noticed when
    /// something is added, or after a second.
    Began,
    /// Reading goes on without a gap after [`Lost`](Self::Lost): every entry added since follows.
    Resumed,
    /// An entry was added.
    Entry(StreamEntry),
    /// The connection is lost, or the server has stalled: entries added from now on are read late,
    /// after [`Resumed`](Self::Resumed), or are missed, which [`Began`](Self::Began) will tell.
    Lost(Error),
}

/// One entry of a stream.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamEntry {
    id: String,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl StreamReader {
    pub(crate) fn start(servers: Arc<Servers>, key: Vec<u8>, runtime: &Handle) -> Self {
        let (sender, events) = mpsc::channel(BATCH);
        let mut task = JoinSet::new();
        let follower = Follower {
            servers,
            key,
            read_last: None,
            events: sender,
        };
        task.spawn_on(follower.run(), runtime);
        Self {
            events,
            _task: task,
        }
    }

    /// Waits for the next event; `None` only while the runtime shuts down.
    ///
    /// The future can be dropped without missing an event. Events not taken wait, at first here and
    /// then on the server.
    pub async fn next(&mut self) -> Option<StreamEvent> {
        self.events.recv().await
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader").finish_non_exhaustive()
    }
}

impl StreamEntry {
    /// Returns the identifier, two numbers that increase along the stream.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the fields and their values, in the order in which they were added.
    #[must_use]
    pub fn fields(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.fields
    }

    /// Returns the value of a field, of the first one if there are several of that name.
    #[must_use]
    pub fn field(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        let named = |(field, _): &&(Vec<u8>, Vec<u8>)| field == name.as_ref();
        Some(&self.fields.iter().find(named)?.1)
    }
}

impl fmt::Debug for StreamEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamEntry")
            .field("id", &self.id)
            .field("fields", &self.fields.len())
            .finish()
    }
}

impl FromReply for StreamEntry {
    fn from_reply(reply: Reply) -> Result<Self, Error> {
        let [id, fields] = <[Reply; 2]>::from_reply(reply)?;
        let mut fields = Vec::<Vec<u8>>::from_reply(fields)?.into_iter();
        let mut pairs = Vec::with_capacity(fields.len() / 2);
        while let (Some(field), Some(value)) = (fields.next(), fields.next()) {
            pairs.push((field, value));
        }
        Ok(Self {
            id: String::from_reply(id)?,
            fields: pairs,
        })
    }
}

/// Connects, reads until the connection is lost, and again.
struct Follower {
    servers: Arc<Servers>,
    key: Vec<u8>,
    /// The entry read last, or the last one there was when reading began. All of it, since an entry of
    /// a stream that was begun anew may have the same identifier.
    read_last: Option<StreamEntry>,
    events: mpsc::Sender<StreamEvent>,
}

/// The connection that is read on.
struct Connection {
    server: Arc<Shared>,
    link: Link,
}

/// What a read brings.
enum Read {
    /// What comes next.
    On(Vec<StreamEntry>),
    /// What comes after a gap.
    Anew(Vec<StreamEntry>),
}

/// Nobody takes the events any longer.
struct Abandoned;

impl Follower {
    async fn run(mut self) {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        let origin = Instant::now();
        loop {
            if let Ok((connection, begins)) = self.connect().await
                && let Err(Abandoned) = self.follow(&connection, begins).await
            {
                return;
            }
            // Wherever the stream is by now, it may not be where it was.
            self.servers.look_again();
            sleep(backoff.delay(origin.elapsed(), fastrand::f64())).await;
        }
    }

    /// Connects and finds the place to go on from.
    async fn connect(&mut self) -> Result<(Connection, StreamEvent), Error> {
        let server = self.servers.server_of(&self.key)?;
        let link = server.connect().await?;
        let begins = if server.in_time(self.is_whole(&link)).await? {
            StreamEvent::Resumed
        } else {
            self.read_last = server.in_time(self.newest(&link)).await?;
            StreamEvent::Began
        };
        Ok((Connection { server, link }, begins))
    }

    /// Returns whether reading can go on.
    ///
    /// A stream is trimmed from its beginning. So if the entry that was read last is still there,
    /// none after it is missing; otherwise that is not known.
    async fn is_whole(&self, link: &Link) -> Result<bool, Error> {
        let Some(read_last) = &self.read_last else {
            return Ok(false);
        };
        let reply = link.query(self.range(&read_last.id).packed()).await?;
        Ok(Vec::<StreamEntry>::from_reply(reply)?.first() == Some(read_last))
    }

    /// Returns the newest entry.
    async fn newest(&self, link: &Link) -> Result<Option<StreamEntry>, Error> {
        let newest = self.command("XREVRANGE").arg("+").arg("-");
        let newest = link.query(newest.arg("COUNT").arg(1).packed()).await?;
        Ok(Vec::from_reply(newest)?.pop())
    }

    /// Passes on what is read until the connection is lost.
    async fn follow(
        &mut self,
        connection: &Connection,
        begins: StreamEvent,
    ) -> Result<(), Abandoned> {
        self.events.send(begins).await?;
        loop {
            let entries = match self.read(connection).await {
                Ok(Read::On(entries)) => entries,
                Ok(Read::Anew(entries)) => {
                    self.events.send(StreamEvent::Began).await?;
                    entries
                }
                Err(error) => {
                    self.events.send(StreamEvent::Lost(error)).await?;
                    return Ok(());
                }
            };
            for entry in entries {
                self.read_last = Some(entry.clone());
                self.events.send(StreamEvent::Entry(entry)).await?;
            }
        }
    }

    /// Reads what there is; nothing, after a while, from a server that has shown to be the master.
    ///
    /// A stream that was deleted, and begun anew by whoever adds to it, gives no other sign than that
    /// what was read last is not there any longer. So that is looked up right behind the read.
    async fn read(&mut self, connection: &Connection) -> Result<Read, Error> {
        let Connection { server, link } = connection;
        let position = self.read_last.as_ref().map_or("0-0", |entry| &entry.id);
        let read = Command::new("XREAD")
            .arg("COUNT")
            .arg(BATCH)
            .arg("BLOCK")
            .arg(BLOCK.as_millis() as u64)
            .arg("STREAMS")
            .arg(&self.key)
            .arg(position);
        let mut both = redis::Pipeline::new();
        both.add_command(read.into_packed());
        both.add_command(self.range(position).into_packed());
        let limit = BLOCK + server.settings().deadline;
        let replies = timeout(limit, link.pipeline(&both)).await;
        let replies = replies.unwrap_or_else(|_| Err(Error::timed_out(limit)))?;
        let [entries, found] =
            <[_; 2]>::try_from(replies).map_err(|_| Error::unexpected("two replies"))?;
        let entries = match entries? {
            Reply::Nil => {
                server.probe(link).await?;
                Vec::new()
            }
            reply => entries_of_one(reply)?,
        };
        // A stream without entries has none to miss.
        let found = Vec::<StreamEntry>::from_reply(found?)?;
        if self.read_last.is_none() || found.first() == self.read_last.as_ref() {
            return Ok(Read::On(entries));
        }
        if entries.is_empty() {
            self.read_last = server.in_time(self.newest(link)).await?;
        }
        Ok(Read::Anew(entries))
    }

    fn range(&self, id: &str) -> Command {
        self.command("XRANGE").arg(id).arg(id)
    }

    fn command(&self, name: &'static str) -> Command {
        Command::new(name).arg(&self.key)
    }
}

/// Reads the reply to a read of one stream.
fn entries_of_one(reply: Reply) -> Result<Vec<StreamEntry>, Error> {
    let mut streams = Vec::<Reply>::from_reply(reply)?;
    // RESP2, which a borrowed connection may speak, has pairs instead of a map.
    if let [Reply::Array(pair)] = streams.as_mut_slice() {
        streams = std::mem::take(pair);
    }
    let [_key, entries] = <[Reply; 2]>::from_reply(Reply::Array(streams))?;
    Vec::from_reply(entries)
}

impl From<SendError<StreamEvent>> for Abandoned {
    fn from(_: SendError<StreamEvent>) -> Self {
        Self
    }
}
