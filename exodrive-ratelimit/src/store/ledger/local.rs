//! The ledger in this process's memory.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{EVENTS, MOST_ENTRIES};
use crate::control::{Changes, Entry, Event, Note, Order};
use crate::store::StoreError;
use crate::time::micros;

#[derive(Clone)]
pub(super) struct Local(Arc<Shared>);

struct Shared {
    /// The version of the entries, to be read without their lock.
    version: AtomicU64,
    kept: Mutex<Kept>,
    /// When the ledger was made, by both clocks.
    origin: (Instant, Duration),
}

#[derive(Default)]
struct Kept {
    entries: HashMap<Arc<str>, Arc<Entry>>,
    events: VecDeque<Event>,
}

impl Default for Local {
    fn default() -> Self {
        let today = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(Arc::new(Shared {
            version: AtomicU64::new(0),
            kept: Mutex::default(),
            origin: (Instant::now(), today.unwrap_or_default()),
        }))
    }
}

impl Local {
    pub(super) fn now(&self) -> u64 {
        micros(self.since_epoch())
    }

    fn since_epoch(&self) -> Duration {
        let (origin, epoch) = self.0.origin;
        epoch + origin.elapsed()
    }

    pub(super) fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    pub(super) fn changes_since(&self, known: u64) -> Option<Changes> {
        if self.version() == known {
            return None;
        }
        let kept = self.0.kept.lock();
        let entries = kept.entries.iter();
        Some(Changes {
            version: self.version(),
            all: true,
            entries: entries
                .map(|(id, entry)| (Arc::clone(id), Some(Arc::clone(entry))))
                .collect(),
        })
    }

    pub(super) fn order(
        &self,
        order: Order,
        lasting: Option<Duration>,
        reason: &str,
        actor: &str,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let until = lasting.map(|lasting| now.saturating_add(micros(lasting)));
        let mut kept = self.0.kept.lock();
        let id = order.id();
        if kept.entries.len() >= MOST_ENTRIES && !kept.entries.contains_key(id.as_str()) {
            kept.entries.retain(|_, entry| entry.rest(now).is_some());
            if kept.entries.len() >= MOST_ENTRIES {
                return Err(StoreError::no_room());
            }
        }
        let entry = Entry::new(order, until, reason, actor);
        kept.entries.insert(id.into(), Arc::new(entry));
        self.0.version.fetch_add(1, Ordering::Release);
        Ok(())
    }

    pub(super) fn lift(&self, id: &str) {
        self.0.kept.lock().entries.remove(id);
        self.0.version.fetch_add(1, Ordering::Release);
    }

    pub(super) fn record(&self, note: Note) {
        let event = note.at(UNIX_EPOCH + self.since_epoch());
        let mut kept = self.0.kept.lock();
        if kept.events.len() >= EVENTS {
            kept.events.pop_front();
        }
        kept.events.push_back(event);
    }

    pub(super) fn events(&self, most: usize) -> Vec<Event> {
        let kept = self.0.kept.lock();
        kept.events.iter().rev().take(most).cloned().collect()
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}
