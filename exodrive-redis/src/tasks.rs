//! What goes on behind the requests' backs.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::error::ErrorKind;
use crate::shared::Shared;

/// Starts everything; dropping the set ends it.
pub(crate) fn start(shared: &Arc<Shared>, runtime: &Handle) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for slot in 0..shared.settings().connections {
        tasks.spawn_on(keep_connected(Arc::clone(shared), slot), runtime);
    }
    tasks.spawn_on(close_breaker(Arc::clone(shared)), runtime);
    tasks
}

/// Keeps a live connection in `slot`: connect, publish, wait for its end, and again.
///
/// Whatever the error, there is a next attempt: a password can be corrected, a name can resolve
/// again, a certificate can be renewed.
async fn keep_connected(shared: Arc<Shared>, slot: usize) {
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
    loop {
        match shared.connect().await {
            Ok(link) => {
                let link = Arc::new(link);
                shared.publish(slot, Arc::clone(&link));
                let reason = link.ended().await;
                shared.withdraw(slot, &reason);
            }
            Err(error) => shared.report(Some(&error)),
        }
        sleep(backoff.delay(shared.now(), fastrand::f64())).await;
    }
}

/// Probes the server while the breaker is open, and closes it once it answers.
async fn close_breaker(shared: Arc<Shared>) {
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
    loop {
        shared.tripped().await;
        while let Some(opening) = shared.opening() {
            sleep(backoff.delay(shared.now(), fastrand::f64())).await;
            if shared.opening() != Some(opening) {
                continue;
            }
            // Without a connection there is nothing to probe, and a new one closes the breaker.
            if probe_all(&shared).await {
                shared.close(opening);
            }
        }
    }
}

/// Probes the server on every connection, and returns whether that leaves one that is good.
///
/// Each of them, as the network may have lost one and not another. Calls that took them in turn would
/// find that out by running out of time.
async fn probe_all(shared: &Arc<Shared>) -> bool {
    let mut probes = JoinSet::new();
    for link in shared.live() {
        let shared = Arc::clone(shared);
        probes.spawn(async move { (shared.probe(&link).await, link) });
    }
    let mut serves = false;
    // A probe cannot panic, so there is no end but the last.
    while let Some(Ok((answer, link))) = probes.join_next().await {
        match answer {
            Ok(()) => serves = true,
            // With no request in its way the probe should have been answered. A new connection
            // finds out sooner whether the server or only this one has stalled.
            Err(error) if error.kind() == ErrorKind::Timeout => link.end(error),
            Err(error) => {
                shared.observe(&link, Some(&error));
                shared.report(Some(&error));
            }
        }
    }
    serves
}
