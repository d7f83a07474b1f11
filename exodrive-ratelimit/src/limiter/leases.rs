//! The tokens of hot limits that this instance holds.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::claim::{Claim, Claims};
use super::plan::Plan;
use crate::Subject;
use crate::lease::{self, Lease};
use crate::store::{Reading, Source, Verdict};
use crate::time::micros;

/// How many subjects tokens are held for at most; limits that are worth it count few.
const MOST: usize = 1_024;

/// The limit's place in the plan, and who is counted.
pub(super) type Key = (usize, Subject);

pub(super) struct Leases {
    origin: Instant,
    held: Mutex<HashMap<Key, Place>>,
}

/// What is held for one limit and subject.
#[derive(Clone, Default)]
struct Place {
    lease: Option<Lease>,
    /// Until when no other is tried, after one that was of no use.
    paused_until: u64,
    /// Held while the store is asked for many, so that the others wait for those in place of asking too.
    asking: Arc<AsyncMutex<()>>,
}

impl Default for Leases {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
            held: Mutex::default(),
        }
    }
}

impl Leases {
    pub(super) fn now(&self) -> u64 {
        micros(self.origin.elapsed())
    }

    /// Spends what all claims ask for, or nothing.
    pub(super) fn spend(&self, plan: &Plan, claims: &Claims) -> Option<Verdict> {
        if !plan.leases(claims) {
            return None;
        }
        let now = self.now();
        let mut held = self.held.lock();
        // All must have enough before any is spent.
        let mut spent: SmallVec<[(Lease, Reading); 2]> = SmallVec::new();
        for claim in claims {
            let mut lease = held.get(&key(claim))?.lease?;
            let reading = lease.spend(plan.charge(claim).rule(), claim.cost, now)?;
            spent.push((lease, reading));
        }
        for (claim, (lease, _)) in claims.iter().zip(&spent) {
            held.entry(key(claim)).or_default().lease = Some(*lease);
        }
        let readings = spent.iter().map(|(_, reading)| *reading);
        Some(Verdict::new(Source::LEASE, true, readings))
    }

    /// How many tokens to take for each claim; `None` if that is no more than they cost.
    pub(super) fn wanted(&self, plan: &Plan, claims: &Claims) -> Option<Vec<u32>> {
        let wanted = claims.iter().map(|claim| self.wanted_for(plan, claim));
        let wanted: Vec<u32> = wanted.collect();
        let costs = claims.iter().map(|claim| claim.cost);
        wanted
            .iter()
            .zip(costs)
            .any(|(tokens, cost)| *tokens > cost)
            .then_some(wanted)
    }

    fn wanted_for(&self, plan: &Plan, claim: &Claim) -> u32 {
        let planned = plan.planned(claim.limit);
        let now = self.now();
        let held = self.held.lock();
        let place = held.get(&key(claim));
        if place.is_some_and(|place| now < place.paused_until) {
            return claim.cost;
        }
        let remaining = match place.and_then(|place| place.lease) {
            Some(lease) => lease.remaining(),
            None => plan.charge(claim).rule().max(),
        };
        let most = planned.limit.lease.unwrap_or_default();
        lease::tokens(most, claim.cost, remaining, planned.instances())
    }

    /// Held by whoever asks for many on behalf of the claim and of those like it.
    pub(super) fn asking(&self, claim: &Claim) -> Arc<AsyncMutex<()>> {
        let mut held = self.held.lock();
        if held.len() >= MOST {
            let now = self.now();
            held.retain(|_, place| place.lease.is_some_and(|lease| lease.left(now) > 0));
        }
        Arc::clone(&held.entry(key(claim)).or_default().asking)
    }

    /// Keeps what was taken, and returns what was held before and has not been spent.
    pub(super) fn keep(&self, claim: &Claim, lease: Lease) -> Option<Lease> {
        let now = self.now();
        let mut held = self.held.lock();
        let place = held.entry(key(claim)).or_default();
        if lease.is_of_no_use(now) {
            place.paused_until = now + lease::PAUSE;
        }
        place.lease.replace(lease)
    }

    /// Takes a lease that is over out of its place, unless another has taken that.
    pub(super) fn end(&self, key: &Key, lease: &Lease) -> Option<Lease> {
        let mut held = self.held.lock();
        let place = held.get_mut(key)?;
        let over = place.lease.filter(|held| held.stamp() == lease.stamp())?;
        place.lease = None;
        Some(over)
    }
}

pub(super) fn key(claim: &Claim) -> Key {
    (claim.limit, claim.subject.clone())
}

impl fmt::Debug for Leases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leases").finish_non_exhaustive()
    }
}
