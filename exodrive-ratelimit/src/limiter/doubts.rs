//! Misconfigurations, each said once and with its cure.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::{error, info, warn};

use crate::store::StoreError;

/// What has been said already.
#[derive(Debug)]
pub(crate) struct Doubts {
    no_peer: Once,
    overlooked_proxy: Once,
    decided_twice: Once,
    unlimited_subject: Once,
    store_is_failing: AtomicBool,
}

impl Doubts {
    pub(crate) const fn new() -> Self {
        Self {
            no_peer: Once::new(),
            overlooked_proxy: Once::new(),
            decided_twice: Once::new(),
            unlimited_subject: Once::new(),
            store_is_failing: AtomicBool::new(false),
        }
    }

    pub(crate) fn no_peer(&self) {
        self.no_peer.call_once(|| {
            error!(
                "requests do not say where they come from, so all of them are counted as one client: \
                 serve with connect info, or insert a `Peer` extension before the rate limiter"
            );
        });
    }

    pub(crate) fn may_overlook_proxy(&self) -> bool {
        !self.overlooked_proxy.is_completed()
    }

    pub(crate) fn overlooked_proxy(&self) {
        self.overlooked_proxy.call_once(|| {
            warn!(
                "a request carries a forwarding header, but no proxy is trusted: if a proxy stands before the \
                 service, all its clients are counted as one until `ClientIp::trusted_proxies` names its network"
            );
        });
    }

    pub(crate) fn decided_twice(&self, limit: &str) {
        self.decided_twice.call_once(|| {
            warn!(
                limit,
                "a request was decided by the same limit twice: apply each limiter once, and give limits of \
                 different limiters different names"
            );
        });
    }

    pub(crate) fn unlimited_subject(&self, kind: &str) {
        self.unlimited_subject.call_once(|| {
            warn!(
                kind,
                "a subject was checked that no limit applies to: give the limiter a limit `by_subject`"
            );
        });
    }

    /// Says when the store begins to fail, not that it goes on failing.
    pub(crate) fn store_failed(&self, error: &StoreError) {
        if !self.store_is_failing.swap(true, Ordering::Relaxed) {
            warn!(
                error = error as &dyn std::error::Error,
                "the rate limit store could not tell; limits decide by their own policy until it can"
            );
        }
    }

    /// Says when the store has recovered, and returns whether that is just now.
    pub(crate) fn store_recovered(&self) -> bool {
        let recovered = self.store_is_failing.load(Ordering::Relaxed)
            && self.store_is_failing.swap(false, Ordering::Relaxed);
        if recovered {
            info!("the rate limit store answers again");
        }
        recovered
    }
}

/// Said when a limiter is built, of its configuration alone.
pub(crate) fn trusts_everybody() {
    warn!(
        "every address is a trusted proxy, so every client can choose the address it is counted by: \
         trust the networks of the proxies alone"
    );
}
