//! A store beside the model.

use std::sync::Arc;
use std::time::Duration;

use super::TestClock;
pub(super) use super::model::Answer;
use super::model::Model;
use super::random::Random;
use crate::store::{Charge, Receipt, Settlement, Store, Verdict};
use crate::time::{MINUTE, SECOND, micros};
use crate::{Limit, Quota, Rule, Subject};

/// Performs random operations on a store and on the model, which must agree on every answer.
///
/// Checks of one to four limits at costs from 0 to 11, some of them shadow; corrections up and down of earlier charges,
/// fresh and stale; steps of time from nothing to far beyond every window.
///
/// # Panics
///
/// On the first difference.
pub async fn agrees_with_the_model<S: Store>(
    store: &S,
    clock: &impl TestClock,
    seed: u64,
    operations: usize,
) {
    let mut random = Random::new(seed);
    let limits = limits(seed);
    let subjects = subjects();
    let mut model = Model::default();
    let mut receipts: Vec<Receipt> = Vec::new();

    for operation in 0..operations {
        if random.one_in(2) {
            clock.advance(step(&mut random)).await;
        }
        let now = micros(clock.now());

        if random.one_in(4) && !receipts.is_empty() {
            let picked = random.below(receipts.len() as u64) as usize;
            let cost = random.below(12) as u32;
            if let Some(settlement) = receipts.swap_remove(picked).settle(cost) {
                model.settle(&settlement, now);
                settle(store, settlement).await;
            }
            continue;
        }

        let charges = charges(&mut random, &limits, &subjects);
        let verdict = store.check(&charges).await.expect("the store answers");
        let (admitted, answers) = model.check(&charges, now);
        let said = (verdict.admitted(), answers_of(&verdict));
        assert_eq!(
            said,
            (admitted, answers),
            "operation {operation} of seed {seed}, at {now} us: {charges:?}"
        );
        receipts.extend(receipts_of(&charges, &verdict));
        if receipts.len() > 32 {
            drop(receipts.swap_remove(random.below(32) as usize));
        }
    }
}

async fn settle<S: Store>(store: &S, settlement: Settlement) {
    store
        .settle(vec![settlement])
        .await
        .expect("the store settles");
}

/// Rules of all kinds. The seed keeps the runs on one store apart.
fn limits(seed: u64) -> Vec<(String, Rule)> {
    [
        Limit::sliding_window("minute", 20, MINUTE),
        Limit::sliding_window("odd", 7, Duration::from_micros(1_234_567)),
        Limit::gcra("steady", Quota::per_second(7).burst(13)),
        Limit::gcra("slow", Quota::per_minute(10)),
        Limit::gcra("fast", Quota::per(1_000_003, SECOND).burst(15)),
    ]
    .map(|limit| {
        let rule = limit.way.rule().expect("the rule can be kept");
        (format!("{}-{seed}", limit.name), rule)
    })
    .to_vec()
}

pub(super) fn subjects() -> Vec<Subject> {
    let mut subjects = vec![Subject::ip([192, 0, 2, 1].into())];
    subjects.extend(["a", "b"].map(Subject::user));
    subjects.push(Subject::custom("tenant", "a"));
    subjects
}

pub(super) fn step(random: &mut Random) -> Duration {
    let bound = match random.below(8) {
        0 => 2,
        1..4 => 50_000,
        4..7 => 8_000_000,
        _ => 200_000_000,
    };
    Duration::from_micros(random.below(bound))
}

fn charges<'a>(
    random: &mut Random,
    limits: &'a [(String, Rule)],
    subjects: &'a [Subject],
) -> Vec<Charge<'a>> {
    let mut charges = Vec::new();
    while charges.is_empty() {
        for (name, rule) in limits {
            if charges.len() < 4 && random.one_in(3) {
                let subject = &subjects[random.below(subjects.len() as u64) as usize];
                let cost = random.below(12) as u32;
                charges.push(Charge::new(name, subject, rule, cost, random.one_in(5)));
            }
        }
    }
    charges
}

pub(super) fn answers_of(verdict: &Verdict) -> Vec<Answer> {
    let answers = verdict.readings().iter().map(|reading| {
        let stamp = reading.stamp();
        Answer {
            remaining: reading.remaining(),
            retry_after: reading.retry_after().map(micros),
            reset_after: micros(reading.reset_after()),
            stamp: stamp.map(|stamp| (stamp.at, stamp.level)),
        }
    });
    answers.collect()
}

pub(super) fn receipts_of(charges: &[Charge<'_>], verdict: &Verdict) -> Vec<Receipt> {
    let receipts = charges
        .iter()
        .zip(verdict.readings())
        .filter_map(|(charge, reading)| {
            Some(Receipt::new(
                Arc::from(charge.limit()),
                charge.subject().clone(),
                charge.rule(),
                charge.cost(),
                reading.stamp()?,
            ))
        });
    receipts.collect()
}
