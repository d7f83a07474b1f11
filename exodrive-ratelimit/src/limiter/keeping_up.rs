//! How orders that were given elsewhere reach this instance.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::debug;

use super::RateLimiter;
use super::handle::Shared;
use crate::store::{Store, StoreError, Verdict};

/// How often an instance asks that is told nothing because nobody asks it.
const POLL: Duration = Duration::from_secs(5);

impl<St: Store> RateLimiter<St> {
    /// Fetches what is new if the store's answer says there is.
    pub(super) async fn keep_up(&self, verdict: &Verdict) {
        let Some(version) = verdict.orders() else {
            return;
        };
        match self.shared.watch.catch_up(version).await {
            Ok(false) => {}
            Ok(true) => self.denied().forget_all(),
            // The next answer will say so again.
            Err(error) => debug!(%error, "orders for the rate limits could not be fetched"),
        }
    }

    /// Fetches what is new.
    pub(crate) async fn refresh(&self) -> Result<(), StoreError> {
        if self.shared.watch.refresh().await? {
            self.denied().forget_all();
        }
        Ok(())
    }

    /// Begins to ask now and then, where orders may be given elsewhere. It ends with the limiter.
    pub(super) fn begin_to_poll(&self) {
        if !self.shared.watch.ledger.is_elsewhere() {
            return;
        }
        self.shared.polling.get_or_init(|| {
            let mut polling = JoinSet::new();
            polling.spawn(poll(Arc::downgrade(&self.shared)));
            polling
        });
    }
}

async fn poll<St: Store>(shared: Weak<Shared<St>>) {
    loop {
        sleep(POLL).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        if let Err(error) = (RateLimiter { shared }).refresh().await {
            debug!(%error, "orders for the rate limits could not be fetched");
        }
    }
}
