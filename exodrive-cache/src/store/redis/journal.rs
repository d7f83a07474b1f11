//! Reading the journal, so that a memory learns what other instances have invalidated.

use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use exodrive_redis::{Error, StreamEntry, StreamEvent, StreamReader};
use futures_util::FutureExt;
use tokio::task::{JoinSet, unconstrained};
use tokio::time::timeout;

use super::lag::Lag;
use super::record::Record;
use super::shared::Shared;

/// How often the reader looks after itself while nothing happens.
const TICK: Duration = Duration::from_millis(500);

/// No number of connections.
const NONE: u64 = u64::MAX;

/// Reads the journal into the ledger. Dropped, it ends.
#[derive(Debug)]
pub(in crate::store) struct Journal {
    shared: Arc<Shared>,
    /// How many connections there had been when everything up to now was known to be read.
    trusted: Arc<AtomicU64>,
    lag: Arc<Lag>,
    _task: JoinSet<()>,
}

/// How far the reader has come. It begins with `Behind`, and goes back there whenever the connection is
/// lost or another one may lead to another server.
#[derive(Debug)]
enum Progress {
    /// Nothing is known of what happens on the server.
    Lost,
    /// Records are read, but there may be older ones that are not read yet. Once this one is, there are
    /// none.
    Behind(Option<String>),
    /// Everything is read as it comes.
    UpToDate,
}

impl Journal {
    pub(super) fn start(shared: Arc<Shared>) -> Self {
        let trusted = Arc::new(AtomicU64::new(NONE));
        let lag = Arc::<Lag>::default();
        let mut task = JoinSet::new();
        let reader = Reader {
            shared: shared.clone(),
            trusted: trusted.clone(),
            lag: lag.clone(),
            progress: Progress::Lost,
            era: None,
            newest: None,
        };
        task.spawn(reader.run());
        Self {
            shared,
            trusted,
            lag,
            _task: task,
        }
    }

    /// Returns how long it took until the last record that this instance has written was read.
    pub(in crate::store) fn lag(&self) -> Option<Duration> {
        self.lag.last()
    }

    /// Returns whether the ledger has everything that the journal has, but for what is on its way.
    pub(in crate::store) fn is_up_to_date(&self) -> bool {
        self.shared.redis().connections_made() == self.trusted.load(Ordering::Acquire)
    }
}

struct Reader {
    shared: Arc<Shared>,
    trusted: Arc<AtomicU64>,
    lag: Arc<Lag>,
    progress: Progress,
    era: Option<u64>,
    /// The record that was read last.
    newest: Option<String>,
}

impl Reader {
    async fn run(mut self) {
        let mut events = self.shared.redis().read_stream(self.shared.keys.journal());
        loop {
            match timeout(TICK, events.next()).await {
                Ok(Some(event)) => self.take(event),
                Ok(None) => return,
                Err(_) => {}
            }
            while self.may_catch_up() {
                // Until that goes well, the memory is not used.
                let Ok(connections) = self.catch_up().await else {
                    break;
                };
                self.trust(connections, waiting(&mut events));
            }
        }
    }

    fn may_catch_up(&self) -> bool {
        let connections = self.shared.redis().connections_made();
        let is_trusted = self.trusted.load(Ordering::Acquire) == connections;
        let is_waiting = matches!(self.progress, Progress::Lost | Progress::Behind(Some(_)));
        !is_trusted && !is_waiting
    }

    /// Lets the memory be used if everything is read, also what has come while the server was asked: of that, the first may be
    /// as old as the question, or say that the connection is lost.
    fn trust(&mut self, connections: u64, waiting: impl IntoIterator<Item = StreamEvent>) {
        for event in waiting {
            self.take(event);
        }
        if matches!(self.progress, Progress::UpToDate) {
            self.trusted.store(connections, Ordering::Release);
        }
    }

    fn take(&mut self, event: StreamEvent) {
        match event {
            StreamEvent::Lost(_) => {
                self.distrust();
                self.progress = Progress::Lost;
            }
            StreamEvent::Resumed => self.progress = Progress::Behind(None),
            StreamEvent::Began => {
                self.distrust();
                self.shared.ledger.forget_all();
                self.newest = None;
                self.progress = Progress::Behind(None);
            }
            StreamEvent::Entry(entry) => self.apply(&entry),
            _ => {}
        }
    }

    fn apply(&mut self, entry: &StreamEntry) {
        if Record::is_by(entry, self.shared.instance) {
            // An instance tells its own memory, and better knows when. How long this took, nobody else can say.
            if let Some(written_at) = Record::written_at(entry) {
                self.lag.note(self.shared.age().saturating_sub(written_at));
            }
        } else {
            match Record::read(entry) {
                Some(record) => self.shared.ledger.invalidate(&record.tags, record.how),
                // Whoever wrote it knows more than this version.
                None => self.shared.ledger.forget_all(),
            }
        }
        self.newest = Some(entry.id().to_owned());
        if matches!(&self.progress, Progress::Behind(Some(last)) if last == entry.id()) {
            self.progress = Progress::UpToDate;
        }
    }

    /// Finds out whether the server is the one that it was, and whether everything there is has been read. Returns how many
    /// connections there had been.
    async fn catch_up(&mut self) -> Result<u64, Error> {
        let server = self.shared.link.ask(&self.shared.keys).await?;
        if self.era.replace(server.era) != Some(server.era) {
            // Its journal may lack what was in the other one's.
            self.shared.ledger.forget_all();
        }
        if matches!(self.progress, Progress::Behind(None)) {
            let newest = self.shared.newest_record();
            let newest = self
                .shared
                .redis()
                .query::<Vec<StreamEntry>>(&newest)
                .await?;
            match newest.first() {
                Some(newest) if self.newest.as_deref() == Some(newest.id()) => {
                    self.progress = Progress::UpToDate;
                }
                // A reader that has not read anything could not tell if something was lost.
                _ => {
                    let last = self.shared.append_nothing().await?;
                    self.progress = Progress::Behind(Some(last));
                }
            }
        }
        Ok(server.connections)
    }

    fn distrust(&self) {
        self.trusted.store(NONE, Ordering::Release);
    }
}

/// Takes the events that are there already.
fn waiting(events: &mut StreamReader) -> impl Iterator<Item = StreamEvent> {
    // A task that has used up its turn would be told that there are none.
    iter::from_fn(|| unconstrained(events.next()).now_or_never().flatten())
}

#[cfg(test)]
mod tests {
    use exodrive_redis::{FromReply, RedisClient, Reply};

    use super::*;
    use crate::Tag;
    use crate::store::ledger::{Ledger, Validity};
    use crate::store::redis::keys::Keys;
    use crate::store::redis::shared::Settings;

    /// One that has read everything, and then asked a server with one connection.
    fn reader() -> Reader {
        let redis = RedisClient::builder("redis://127.0.0.1:1").build().unwrap();
        let ledger = Arc::new(Ledger::new(8));
        let settings = Settings {
            keys: Keys::new("cache"),
            lease: Duration::ZERO,
            pack_from: None,
        };
        let shared = Shared::new(redis, settings, ledger);
        Reader {
            shared: Arc::new(shared),
            trusted: Arc::new(AtomicU64::new(NONE)),
            lag: Arc::default(),
            progress: Progress::UpToDate,
            era: None,
            newest: None,
        }
    }

    fn record(tag: &str) -> StreamEvent {
        let text = |text: &str| Reply::Bytes(text.into());
        let fields = ["how", "hard", "tag", tag].map(text).into();
        let record = Reply::Array(vec![text("1-0"), Reply::Array(fields)]);
        StreamEvent::Entry(StreamEntry::from_reply(record).unwrap())
    }

    #[tokio::test]
    async fn is_trusted_once_what_has_come_meanwhile_is_taken() {
        let mut reader = reader();
        let ledger = reader.shared.ledger.clone();
        let since = ledger.head();
        let trusted = reader.trusted.clone();
        let events = iter::once_with(|| {
            assert_eq!(trusted.load(Ordering::Acquire), NONE);
            record("car:7")
        });
        reader.trust(1, events);
        assert_eq!(reader.trusted.load(Ordering::Acquire), 1);
        let tags = [Tag::new("car:7")];
        assert_eq!(ledger.check(since, &tags), Validity::Invalid);
    }

    #[tokio::test]
    async fn is_not_trusted_if_the_connection_was_lost_meanwhile() {
        let lost = || StreamEvent::Lost(Error::unexpected("a reply"));
        for meanwhile in [
            vec![lost()],
            vec![StreamEvent::Began],
            vec![record("car:7"), lost(), StreamEvent::Resumed],
        ] {
            let mut reader = reader();
            reader.trust(1, meanwhile);
            assert_eq!(reader.trusted.load(Ordering::Acquire), NONE);
        }
    }
}
