//! Hot limits, of which this instance takes some tokens in advance.

use std::time::Duration;

use tokio::time::sleep;

use super::RateLimiter;
use super::background::in_background;
use super::claim::Claims;
use super::handle::Shared;
use super::leases::{Key, key};
use crate::lease::Lease;
use crate::store::{Charge, Receipt, Store, StoreError, Verdict};

impl<St: Store> RateLimiter<St> {
    /// Meets the claims by tokens that are held, which this instance's share counts like anything else.
    pub(super) fn spend(&self, claims: &Claims) -> Option<Verdict> {
        let Shared { plan, leases, .. } = &*self.shared;
        let verdict = leases.spend(plan, claims)?;
        if let Some(fallback) = self.fallback() {
            fallback.note(plan, claims);
        }
        Some(verdict)
    }

    /// Asks the store, for more than the claims need where that is leased.
    pub(super) async fn ask(&self, claims: &Claims) -> Result<Verdict, StoreError> {
        let Shared {
            plan,
            store,
            leases,
            ..
        } = &*self.shared;
        if let Some(first) = claims.first()
            && plan.leases(claims)
            && leases.wanted(plan, claims).is_some()
        {
            let asking = leases.asking(first);
            let _asking = asking.lock().await;
            // Whoever asked meanwhile has taken for others too, or found that there are not that many.
            if let Some(verdict) = leases.spend(plan, claims) {
                return Ok(verdict);
            }
            if let Some(tokens) = leases.wanted(plan, claims) {
                let verdict = self.take(claims, &tokens).await?;
                if verdict.admitted() {
                    return Ok(verdict);
                }
            }
        }
        store.check(&plan.charges(claims)).await
    }

    /// Takes so many tokens for each claim and those to come. A refusal may only mean that there are not that many.
    async fn take(&self, claims: &Claims, tokens: &[u32]) -> Result<Verdict, StoreError> {
        let Shared {
            plan,
            store,
            leases,
            ..
        } = &*self.shared;
        let asked_at = leases.now();
        let verdict = {
            let charges = claims.iter().zip(tokens);
            let charges = charges.map(|(claim, &tokens)| plan.charge(claim).costing(tokens));
            let charges: Vec<Charge<'_>> = charges.collect();
            store.check(&charges).await?
        };
        if !verdict.admitted() {
            return Ok(verdict);
        }
        for ((claim, &tokens), reading) in claims.iter().zip(tokens).zip(verdict.readings()) {
            let rule = plan.charge(claim).rule();
            let Some(mut lease) = Lease::new(rule, tokens, reading, asked_at) else {
                continue;
            };
            // Of what is left by now, however long the answer took, this request's was charged just so.
            let _ = lease.spend(rule, claim.cost, asked_at);
            let key = key(claim);
            if let Some(earlier) = leases.keep(claim, lease) {
                self.give_back(&key, earlier);
            }
            let limiter = self.clone();
            tokio::spawn(async move {
                sleep(Duration::from_micros(lease.lasts())).await;
                if let Some(over) = limiter.shared.leases.end(&key, &lease) {
                    limiter.give_back(&key, over);
                }
            });
        }
        Ok(verdict)
    }

    /// Tells the store of what has not been spent.
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
