//! Two stores beside each other.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use super::clock::{ManualClock, TestClock};
use super::comparison::{Answer, answers_of, receipts_of, step, subjects};
use super::random::Random;
use crate::store::{Charge, Receipt, Store};
use crate::time::{HOUR, MINUTE, SECOND};
use crate::{Limit, Quota, Rule, Subject};

/// How many operations are under way on the second store at once.
const AT_ONCE: usize = 256;

/// Performs random operations on two stores that tell the time by the same clock and must agree on every answer.
///
/// Like [`agrees_with_the_model`](super::agrees_with_the_model), and besides the limits change their sizes all the time
/// and the clock steps back. The second store is asked hundreds of times before the first answer is awaited, so a store
/// that lives elsewhere must handle calls in the order in which they are first polled.
/// The stores must know none of the limits yet, and the first must answer without waiting.
///
/// # Panics
///
/// On the first difference.
pub async fn decide_alike<A: Store, B: Store>(
    first: &A,
    second: &B,
    clock: &ManualClock,
    seed: u64,
    operations: usize,
) {
    let mut random = Random::new(seed);
    let limits = limits(seed);
    let mut receipts: Vec<[Receipt; 2]> = Vec::new();
    clock.set(HOUR);

    // Whoever is known to a store stays known to it. A stranger may be forgotten at a later time than the clock goes
    // back to, which a store is free to do.
    let mut asked: Vec<Asked> = Vec::new();
    for (limit, (_, rules)) in limits.iter().enumerate() {
        asked.extend(subjects().into_iter().map(|subject| Asked {
            charges: vec![Owed {
                limit,
                rule: rules[0],
                subject,
                cost: 1,
                shadow: false,
            }],
        }));
    }

    let mut done = 0;
    while done < operations {
        let mut operations: Vec<Operation<'_>> = Vec::new();
        while operations.len() < AT_ONCE {
            done += 1;
            let known = asked.pop();
            if known.is_none() && random.one_in(2) {
                clock.set(moved(&mut random, clock.now()));
            }
            let now = clock.now();
            if known.is_none() && random.one_in(4) && !receipts.is_empty() {
                let picked = random.below(receipts.len() as u64) as usize;
                let cost = random.below(12) as u32;
                let [one, other] = receipts
                    .swap_remove(picked)
                    .map(|receipt| receipt.settle(cost));
                first
                    .settle(Vec::from_iter(one))
                    .await
                    .expect("the first store settles");
                operations.push(Operation::new(None, async move {
                    clock.set(now);
                    let settled = second.settle(Vec::from_iter(other)).await;
                    settled.expect("the second store settles");
                    None
                }));
                continue;
            }

            let asked = known.unwrap_or_else(|| Asked::random(&mut random, &limits));
            let charges = asked.charges(&limits);
            let verdict = first
                .check(&charges)
                .await
                .expect("the first store answers");
            let expected = (verdict.admitted(), answers_of(&verdict));
            let pairs = receipts_of(&charges, &verdict)
                .into_iter()
                .zip(receipts_of(&charges, &verdict));
            receipts.extend(pairs.map(|(one, other)| [one, other]));
            while receipts.len() > 32 {
                drop(receipts.swap_remove(random.below(32) as usize));
            }
            drop(charges);
            let limits = &limits;
            operations.push(Operation::new(Some(expected), async move {
                clock.set(now);
                let charges = asked.charges(limits);
                let verdict = second
                    .check(&charges)
                    .await
                    .expect("the second store answers");
                Some((verdict.admitted(), answers_of(&verdict)))
            }));
        }
        let now = clock.now();
        agree(operations, &format!("seed {seed}, before operation {done}")).await;
        clock.set(now);
    }
}

type Said = Option<(bool, Vec<Answer>)>;

/// An operation on the second store, and what the first one said.
struct Operation<'a> {
    expected: Said,
    said: Option<Said>,
    work: Pin<Box<dyn Future<Output = Said> + 'a>>,
}

impl<'a> Operation<'a> {
    fn new(expected: Said, work: impl Future<Output = Said> + 'a) -> Self {
        // A task that has done much in one go is asked to yield, which would let later operations overtake.
        let work = Box::pin(tokio::task::unconstrained(work));
        Self {
            expected,
            said: None,
            work,
        }
    }
}

/// Starts all operations in their order and waits until all have agreed.
async fn agree(mut operations: Vec<Operation<'_>>, place: &str) {
    poll_fn(|context| {
        let mut waiting = false;
        for operation in operations
            .iter_mut()
            .filter(|operation| operation.said.is_none())
        {
            match operation.work.as_mut().poll(context) {
                Poll::Ready(said) => operation.said = Some(said),
                Poll::Pending => waiting = true,
            }
        }
        if waiting {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
    for operation in operations {
        assert_eq!(operation.said, Some(operation.expected), "{place}");
    }
}

/// Charges with what they borrow.
struct Asked {
    charges: Vec<Owed>,
}

struct Owed {
    limit: usize,
    rule: Rule,
    subject: Subject,
    cost: u32,
    shadow: bool,
}

impl Asked {
    fn random(random: &mut Random, limits: &[(String, Vec<Rule>)]) -> Self {
        let subjects = subjects();
        let mut charges = Vec::new();
        while charges.is_empty() {
            for (limit, (_, rules)) in limits.iter().enumerate() {
                if charges.len() < 4 && random.one_in(3) {
                    // Mostly the first size, for a limit whose size always changes never fills.
                    let rule = if random.one_in(8) {
                        random.below(rules.len() as u64) as usize
                    } else {
                        0
                    };
                    charges.push(Owed {
                        limit,
                        rule: rules[rule],
                        subject: subjects[random.below(subjects.len() as u64) as usize].clone(),
                        cost: random.below(12) as u32,
                        shadow: random.one_in(5),
                    });
                }
            }
        }
        Self { charges }
    }

    fn charges<'a>(&'a self, limits: &'a [(String, Vec<Rule>)]) -> Vec<Charge<'a>> {
        let charges = self.charges.iter().map(|owed| {
            let (name, _) = &limits[owed.limit];
            Charge::new(name, &owed.subject, &owed.rule, owed.cost, owed.shadow)
        });
        charges.collect()
    }
}

/// Limits of all kinds, each in several sizes.
fn limits(seed: u64) -> Vec<(String, Vec<Rule>)> {
    let window = |max, length| Limit::sliding_window("", max, length);
    let rate = |quota| Limit::gcra("", quota);
    let limits = [
        vec![
            window(20, MINUTE),
            window(40, MINUTE),
            window(20, 2 * MINUTE),
        ],
        vec![
            window(7, Duration::from_micros(1_234_567)),
            window(9, Duration::from_millis(3)),
        ],
        vec![
            rate(Quota::per_second(7).burst(13)),
            rate(Quota::per_second(7).burst(5)),
            rate(Quota::per_second(3)),
        ],
        vec![rate(Quota::per_minute(10)), rate(Quota::per_hour(11))],
        vec![
            rate(Quota::per(1_000_003, SECOND).burst(15)),
            // As heavy as a token can be.
            rate(Quota::per(1, Duration::from_secs(366 * 24 * 60 * 60)).burst(200)),
        ],
    ];
    let rules = |sizes: Vec<Limit>| {
        let rules = sizes.into_iter().map(|limit| limit.way.rule());
        rules
            .collect::<Result<Vec<_>, _>>()
            .expect("the rules can be kept")
    };
    let named = limits.into_iter().enumerate();
    named
        .map(|(n, sizes)| (format!("twin-{n}-{seed}"), rules(sizes)))
        .collect()
}

/// The clock goes on most of the time.
fn moved(random: &mut Random, now: Duration) -> Duration {
    let step = step(random);
    if random.one_in(16) {
        now.saturating_sub(step)
    } else {
        now + step
    }
}
