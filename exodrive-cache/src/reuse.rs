//! Whether an entry answers a request as it is.

use std::time::SystemTime;

use crate::Entry;
use crate::cache_control::CacheControl;
use crate::decision::Outcome;
use crate::early_refresh::EarlyRefresh;
use crate::freshness::State;
use crate::reason::StaleReason;

/// What to do with an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reuse {
    /// Serve it.
    Serve(Outcome),
    /// Serve it, and replace it in the background.
    ServeAndRefresh(Outcome),
    /// Replace it first. If that fails, it may be served if `fallback` says so.
    Replace { fallback: bool },
}

/// Decides by the entry's own freshness and the client's directives, which are empty where they do not
/// count. An entry is `outdated` once one of its tags was invalidated softly.
pub(crate) fn reuse(
    entry: &Entry,
    outdated: bool,
    directives: &CacheControl,
    early: EarlyRefresh,
    now: SystemTime,
) -> Reuse {
    let freshness = entry.freshness();
    let mut resident = entry.resident(now);
    let age = freshness.age(resident);
    if outdated {
        // As if its time were over this moment, if it is not already.
        resident = resident.max(freshness.lifetime.saturating_sub(freshness.initial_age));
    }
    if !freshness.allows(resident, directives) {
        return Reuse::Replace {
            fallback: freshness.allows_on_error(resident, directives),
        };
    }
    let stale = |reason| Outcome::Stale { age, reason };
    match freshness.state(resident) {
        State::Fresh => {
            let ttl = freshness.lifetime.saturating_sub(age);
            let hit = Outcome::Hit { age, ttl };
            if early.is_due(ttl, entry.fill_time()) {
                Reuse::ServeAndRefresh(hit)
            } else {
                Reuse::Serve(hit)
            }
        }
        State::Revalidatable => Reuse::ServeAndRefresh(stale(StaleReason::Refreshing)),
        State::OnlyOnError | State::Stale => Reuse::Serve(stale(StaleReason::Accepted)),
    }
}
