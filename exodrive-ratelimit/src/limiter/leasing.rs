//! Hot limits, of which this instance takes some tokens in advance.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, sleep};

use super::RateLimiter;
use super::background::in_background;
use super::claim::{Claim, Claims};
use super::handle::Shared;
use super::plan::Plan;
use crate::Subject;
use crate::lease::{self, Lease};
use crate::store::{Charge, Reading, Receipt, Source, Store, StoreError, Verdict};
use crate::time::micros;

/// How many subjects tokens are held for at most; limits that are worth it count few.
const MOST: usize = 1_024;

type Key = (usize, Subject);

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
    fn now(&self) -> u64 {
        micros(self.origin.elapsed())
    }

    /// Spends what all claims ask for, or nothing.
    pub(super) fn spend(&self, plan: &Plan, claims: &Claims) -> Option<Verdict> {
        if !plan.leases(claims) {
            return None;
        }
        let now = self.now();
        let mut held = self.held.lock();
        let mut readings: SmallVec<[Reading; 2]> = SmallVec::new();
        // First a trial, as all must have enough before any is spent; one alone needs none.
        let rounds = if claims.len() > 1 { 2 } else { 1 };
        for round in 1..=rounds {
            readings.clear();
            for claim in claims {
                let lease = held.get_mut(&key(claim))?.lease.as_mut()?;
                let rule = plan.charge(claim).rule();
                let mut after = *lease;
                readings.push(after.spend(rule, claim.cost, now)?);
                if round == rounds {
                    *lease = after;
                }
            }
        }
        Some(Verdict::new(Source::LEASE, true, readings))
    }

    /// How many tokens to take for a claim.
    fn wanted(&self, plan: &Plan, claim: &Claim) -> u32 {
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

    fn asking(&self, claim: &Claim) -> Arc<AsyncMutex<()>> {
        let mut held = self.held.lock();
        if held.len() >= MOST {
            let now = self.now();
            held.retain(|_, place| place.lease.is_some_and(|lease| lease.left(now) > 0));
        }
        Arc::clone(&held.entry(key(claim)).or_default().asking)
    }

    /// Keeps what was taken, and returns what was held before and has not been spent.
    fn keep(&self, claim: &Claim, lease: Lease) -> Option<Lease> {
        let now = self.now();
        let mut held = self.held.lock();
        let place = held.entry(key(claim)).or_default();
        if lease.is_of_no_use(now) {
            place.paused_until = now + lease::PAUSE;
        }
        place.lease.replace(lease)
    }

    /// Takes a lease that is over out of its place, unless another has taken that.
    fn end(&self, key: &Key, lease: &Lease) -> Option<Lease> {
        let mut held = self.held.lock();
        let place = held.get_mut(key)?;
        let over = place.lease.filter(|held| held.stamp() == lease.stamp())?;
        place.lease = None;
        Some(over)
    }
}

impl<St: Store> RateLimiter<St> {
    /// Asks the store, for more than the claims need where that is leased.
    pub(super) async fn ask(&self, claims: &Claims) -> Result<Verdict, StoreError> {
        let Shared {
            plan,
            store,
            leases,
            ..
        } = &*self.shared;
        let [claim, ..] = &claims[..] else {
            return store.check(&[]).await;
        };
        if !plan.leases(claims) {
            return store.check(&plan.charges(claims)).await;
        }
        let takes_many = || {
            claims
                .iter()
                .any(|claim| leases.wanted(plan, claim) > claim.cost)
        };
        if takes_many() {
            let asking = leases.asking(claim);
            let _asking = asking.lock().await;
            if let Some(verdict) = leases.spend(plan, claims) {
                return Ok(verdict);
            }
            if takes_many() {
                let verdict = self.take(claims).await?;
                if verdict.admitted() {
                    return Ok(verdict);
                }
            }
        }
        store.check(&plan.charges(claims)).await
    }

    /// Takes tokens for the claims and those to come. A refusal may only mean that there are not that many.
    async fn take(&self, claims: &Claims) -> Result<Verdict, StoreError> {
        let Shared {
            plan,
            store,
            leases,
            ..
        } = &*self.shared;
        let wanted: Vec<u32> = claims
            .iter()
            .map(|claim| leases.wanted(plan, claim))
            .collect();
        let asked_at = leases.now();
        let verdict = {
            let charges = claims.iter().zip(&wanted);
            let charges = charges.map(|(claim, &tokens)| plan.charge(claim).costing(tokens));
            let charges: Vec<Charge<'_>> = charges.collect();
            store.check(&charges).await?
        };
        if verdict.admitted() {
            for ((claim, &tokens), reading) in claims.iter().zip(&wanted).zip(verdict.readings()) {
                let rule = plan.charge(claim).rule();
                let Some(mut lease) = Lease::new(rule, tokens, reading, asked_at) else {
                    continue;
                };
                // Of what is left by now, however long the answer took, this request's was charged just so.
                let _ = lease.spend(rule, claim.cost, asked_at);
                if let Some(earlier) = leases.keep(claim, lease) {
                    self.give_back(&key(claim), earlier);
                }
                let limiter = self.clone();
                let key = key(claim);
                tokio::spawn(async move {
                    sleep(Duration::from_micros(lease.lasts())).await;
                    if let Some(over) = limiter.shared.leases.end(&key, &lease) {
                        limiter.give_back(&key, over);
                    }
                });
            }
        }
        Ok(verdict)
    }

    fn give_back(&self, (limit, subject): &Key, lease: Lease) {
        let name = self.shared.plan.planned(*limit).shared_name();
        let (rule, stamp) = (lease.rule(), lease.stamp());
        let receipt = Receipt::new(name, subject.clone(), rule, lease.tokens(), stamp);
        let kept = lease.tokens() - lease.unspent(self.shared.leases.now());
        if let Some(settlement) = receipt.settle(kept) {
            in_background(self.clone().settle(vec![settlement]));
        }
    }
}

fn key(claim: &Claim) -> Key {
    (claim.limit, claim.subject.clone())
}

impl fmt::Debug for Leases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leases").finish_non_exhaustive()
    }
}
