//! Requests whose subjects are in different slots of a cluster.
//!
//! A call of a script may touch one slot, and all keys of a subject are in one. So the limits of each subject are decided
//! together, subject after subject, the most restrictive first. When one refuses, what the earlier ones were charged is
//! given back and the later ones are only measured. What is in between is that others may meanwhile be refused for want
//! of what is about to be given back; nobody is admitted who should not be.

use std::time::Duration;

use exodrive_redis::Error;

use super::store::RedisStore;
use crate::reading::Reading;
use crate::store::{Charge, Receipt, Settlement, Source, Verdict};
use crate::{Rule, Subject};

/// The places of the charges of one subject.
type Group = Vec<usize>;

/// What has come of each charge so far, in their order.
struct Progress<'a> {
    charges: &'a [Charge<'a>],
    readings: Vec<Reading>,
}

pub(super) async fn check(store: &RedisStore, charges: &[Charge<'_>]) -> Result<Verdict, Error> {
    let mut groups = by_subject(charges.iter().map(Charge::subject));
    groups.sort_by(|a, b| rate(charges, a).total_cmp(&rate(charges, b)));
    let nothing = Reading::uncharged(0, None, Duration::ZERO);
    let mut progress = Progress {
        charges,
        readings: vec![nothing; charges.len()],
    };
    let (first, later) = groups.split_at(1.min(groups.len()));
    let mut admitted = true;
    let mut orders = None;
    for group in first {
        let asked = pick(charges, group);
        let (verdict, version) = tokio::join!(store.decide(&asked, false), store.version());
        let verdict = verdict?;
        orders = version.ok();
        admitted = verdict.admitted();
        progress.note(group, &verdict);
    }
    let mut made = first.to_vec();
    for group in later {
        let verdict = match store.decide(&pick(charges, group), !admitted).await {
            Ok(verdict) => verdict,
            Err(error) => {
                store.send(progress.give_back(&made)).await;
                return Err(error);
            }
        };
        progress.note(group, &verdict);
        if admitted && verdict.admitted() {
            made.push(group.clone());
        }
        admitted &= verdict.admitted();
    }
    if !admitted {
        store.send(progress.give_back(&made)).await;
    }
    let verdict = Verdict::new(Source::REDIS, admitted, progress.readings);
    Ok(match orders {
        Some(version) => verdict.with_orders(version),
        None => verdict,
    })
}

impl Progress<'_> {
    fn note(&mut self, group: &Group, verdict: &Verdict) {
        for (&place, reading) in group.iter().zip(verdict.readings()) {
            self.readings[place] = *reading;
        }
    }

    /// What takes back every charge that has been made. The readings follow, up to when all is at rest, which may be a
    /// little sooner than they say.
    fn give_back(&mut self, made: &[Group]) -> Vec<Settlement> {
        let mut settlements = Vec::new();
        for &place in made.iter().flatten() {
            let (charge, reading) = (&self.charges[place], self.readings[place]);
            let Some(stamp) = reading.stamp() else {
                continue;
            };
            let (rule, cost) = (charge.rule(), charge.cost());
            let limit = charge.limit().into();
            let receipt = Receipt::new(limit, charge.subject().clone(), rule, cost, stamp);
            settlements.extend(receipt.settle(0));
            let remaining = reading.remaining().saturating_add(cost).min(rule.max());
            let fits = Some(Duration::ZERO);
            self.readings[place] = Reading::uncharged(remaining, fits, reading.reset_after());
        }
        settlements
    }
}

/// The places of what is about the same subject, in the order of the subjects.
pub(super) fn by_subject<'a>(subjects: impl Iterator<Item = &'a Subject>) -> Vec<Group> {
    let mut groups: Vec<(&Subject, Group)> = Vec::new();
    for (place, subject) in subjects.enumerate() {
        match groups.iter_mut().find(|(known, _)| *known == subject) {
            Some((_, group)) => group.push(place),
            None => groups.push((subject, vec![place])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn pick<'a>(charges: &[Charge<'a>], group: &Group) -> Vec<Charge<'a>> {
    group.iter().map(|&place| charges[place]).collect()
}

/// The smallest rate, in tokens per second, among the limits of a group that can refuse.
fn rate(charges: &[Charge<'_>], group: &Group) -> f64 {
    let rate = |rule: Rule| f64::from(rule.max()) / rule.window().as_secs_f64();
    let enforced = group.iter().filter(|&&place| !charges[place].is_shadow());
    let rates = enforced.map(|&place| rate(charges[place].rule()));
    rates.min_by(f64::total_cmp).unwrap_or(f64::INFINITY)
}
