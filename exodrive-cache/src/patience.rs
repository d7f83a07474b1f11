//! How long a request waits.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::schedule::Schedule;

/// For how long a request waits for the handler, by the policy's timeouts and from when it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    since: Instant,
    with_stale: Duration,
    without: Duration,
}

impl Patience {
    pub(crate) fn start(schedule: &Schedule) -> Self {
        Self {
            since: Instant::now(),
            with_stale: schedule.soft_timeout.unwrap_or(schedule.timeout),
            without: schedule.timeout,
        }
    }

    /// Waits for `future`, less long if there is something stale to serve instead. Returns `None` when the time is over.
    pub(crate) async fn wait<F: Future>(&self, has_stale: bool, future: F) -> Option<F::Output> {
        let whole = if has_stale {
            self.with_stale.min(self.without)
        } else {
            self.without
        };
        let rest = whole.saturating_sub(self.since.elapsed());
        timeout(rest, future).await.ok()
    }
}
