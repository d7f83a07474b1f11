//! What may not be served any longer.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use exodrive_cache::Invalidated;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::LAG;

/// The oldest versions of a row that may be served, by whom and since when.
#[derive(Default)]
pub(super) struct Promised(Mutex<Versions>);

#[derive(Default)]
struct Versions {
    /// On the instance of this number, since it has invalidated what is older.
    here: HashMap<usize, u64>,
    /// On all instances, the newest last.
    everywhere: VecDeque<(Instant, u64)>,
}

impl Promised {
    /// Takes note of an invalidation that has returned.
    pub(super) fn note(&self, by: usize, version: u64, invalidated: Invalidated) {
        let Versions { here, everywhere } = &mut *self.0.lock();
        let own = here.entry(by).or_default();
        *own = version.max(*own);
        let now = Instant::now();
        let is_newer = everywhere.back().is_none_or(|(_, last)| *last < version);
        if invalidated == Invalidated::Applied && is_newer {
            everywhere.push_back((now, version));
        }
        while everywhere.len() > 1 && everywhere[1].0 + LAG < now {
            everywhere.pop_front();
        }
    }

    /// Returns the oldest version that an instance may serve from now on if it is `lag` behind the others.
    pub(super) fn floor(&self, by: usize, lag: Duration) -> u64 {
        let versions = self.0.lock();
        let now = Instant::now();
        let promises = versions.everywhere.iter().rev();
        let everywhere = promises
            .map(|(since, version)| (now.duration_since(*since), version))
            .find(|(age, _)| *age >= lag)
            .map_or(0, |(_, version)| *version);
        let here = versions.here.get(&by).copied();
        everywhere.max(here.unwrap_or_default())
    }
}
