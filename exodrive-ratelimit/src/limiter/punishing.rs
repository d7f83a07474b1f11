//! What follows for those who are refused.

use std::collections::HashMap;

use parking_lot::Mutex;
use tracing::{debug, info, warn};

use super::RateLimiter;
use super::background::in_background;
use super::claim::Claims;
use super::handle::Shared;
use crate::Subject;
use crate::control::{Note, Order};
use crate::store::{Charge, Reading, Source, Store, StoreError, Verdict};
use crate::written::written;

/// Names that no limit can have, since they are not of one word.
const STRIKES: &str = "penalty strikes";
const OFFENCES: &str = "penalty offences";

/// Whoever bans where no operator does.
const ACTOR: &str = "penalty";
const REASON: &str = "refused too often";

/// How many subjects may have strikes that have not been counted yet.
const MOST_SUPPRESSED: usize = 1_024;

/// Strikes of refusals that were repeated here, until there is reason to travel for them.
#[derive(Debug, Default)]
pub(super) struct Suppressed(Mutex<HashMap<Subject, u32>>);

impl Suppressed {
    /// Counts one that was repeated here; returns all of them once they are an offence by themselves.
    fn add(&self, subject: &Subject, threshold: u32) -> Option<u32> {
        let mut counts = self.0.lock();
        if counts.len() >= MOST_SUPPRESSED && !counts.contains_key(subject) {
            counts.clear();
        }
        let count = counts.entry(subject.clone()).or_default();
        *count += 1;
        if *count < threshold {
            return None;
        }
        counts.remove(subject)
    }

    fn take(&self, subject: &Subject) -> u32 {
        self.0.lock().remove(subject).unwrap_or_default()
    }
}

impl<St: Store> RateLimiter<St> {
    /// Takes note of a refusal: who it was, how often, and whether that is an offence.
    pub(super) fn note_refusal(&self, claims: &Claims, verdict: &Verdict) {
        let Shared { plan, watch, .. } = &*self.shared;
        let source = verdict.source();
        for (claim, reading) in claims.iter().zip(verdict.readings()) {
            if claim.shadow || reading.fits() {
                continue;
            }
            let planned = plan.planned(claim.limit);
            let (limit, subject) = (planned.name(), &claim.subject);
            let times = watch.offended(subject);
            if times.is_power_of_two() {
                info!(%subject, limit, times, "refused");
                let note = Note::refused(written(subject), limit, times);
                let limiter = self.clone();
                in_background(async move {
                    if let Err(error) = limiter.shared.watch.ledger.record(note).await {
                        debug!(%error, "an event of the rate limits is lost");
                    }
                });
            }
            if let Some(terms) = &plan.penalty
                && planned.limit.whose.is_a_client(subject)
                && source != Source::FALLBACK
            {
                let strikes = if source == Source::DENY_CACHE {
                    watch.suppressed.add(subject, terms.threshold())
                } else {
                    Some(watch.suppressed.take(subject).saturating_add(1))
                };
                if let Some(strikes) = strikes {
                    let (limiter, subject) = (self.clone(), subject.clone());
                    in_background(async move {
                        if let Err(error) = limiter.strike(&subject, strikes).await {
                            debug!(%error, "strikes of a refused client are lost");
                        }
                    });
                }
            }
        }
    }

    /// Counts strikes, and bans whoever has had enough of them.
    pub(super) async fn strike(&self, subject: &Subject, strikes: u32) -> Result<(), StoreError> {
        let Shared {
            plan, store, watch, ..
        } = &*self.shared;
        let Some(terms) = &plan.penalty else {
            return Ok(());
        };
        let counted = strikes.min(terms.threshold());
        let strikes = Charge::new(STRIKES, subject, &terms.strikes, counted, true);
        let verdict = store.check(&[strikes]).await?;
        let is_offence = |readings: &[Reading]| {
            let mut readings = readings.iter();
            readings.any(|reading| !reading.fits() || reading.remaining() == 0)
        };
        if !is_offence(verdict.readings()) {
            return Ok(());
        }
        let offence = Charge::new(OFFENCES, subject, &terms.offences, 1, true);
        let verdict = store.check(&[offence]).await?;
        let remaining = verdict.readings().iter().map(|reading| reading.remaining());
        let lasting = terms.ban_for(remaining.min().unwrap_or_default());
        store.reset(&[strikes]).await?;

        warn!(%subject, ?lasting, "banned for having been refused too often");
        let order = Order::Ban(plan.whom(subject));
        let note = Note::ordered(&order.id(), ACTOR, REASON);
        self.order(order, Some(lasting), REASON, ACTOR).await?;
        watch.ledger.record(note).await
    }

    /// Forgets strikes and offences.
    pub(super) async fn forgive(&self, subject: &Subject) -> Result<(), StoreError> {
        let Shared {
            plan, store, watch, ..
        } = &*self.shared;
        let Some(terms) = &plan.penalty else {
            return Ok(());
        };
        watch.suppressed.take(subject);
        let strikes = Charge::new(STRIKES, subject, &terms.strikes, 0, true);
        let offences = Charge::new(OFFENCES, subject, &terms.offences, 0, true);
        store.reset(&[strikes, offences]).await
    }
}
