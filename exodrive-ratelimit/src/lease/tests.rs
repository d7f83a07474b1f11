use std::time::Duration;

use super::*;
use crate::gcra::Bucket;
use crate::rule::Tally;
use crate::window::Segments;
use crate::{Limit, Quota};

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

fn rule(limit: &Limit) -> Rule {
    limit.way.rule().unwrap()
}

/// A store with one subject, its clock some time ahead of the instances'.
struct Store<T: Tally> {
    rule: T::Rule,
    tally: T,
}

impl<T: Tally> Store<T> {
    fn new(rule: T::Rule, now: u64) -> Self {
        let tally = T::empty(&rule, now);
        Self { rule, tally }
    }

    fn take(&mut self, cost: u32, now: u64) -> Option<Reading> {
        self.tally = self.tally.seen_at(&self.rule, now);
        if !self.tally.fits(&self.rule, cost) {
            return None;
        }
        self.tally.charge(&self.rule, cost);
        Some(Reading::of(
            &self.tally,
            &self.rule,
            cost,
            Some(self.tally.stamp()),
        ))
    }

    fn give_back(&mut self, lease: &Lease, tokens: u32, now: u64) {
        self.tally = self.tally.seen_at(&self.rule, now);
        self.tally.refund(&self.rule, tokens, lease.stamp());
    }
}

/// When so many tokens were spent, over instances that hold leases as long as they may and spend in bursts.
fn spent<T: Tally>(numbers: T::Rule, rule: Rule, most: u32, seed: u64) -> Vec<(u64, u32)> {
    const AHEAD: u64 = 7_654_321;
    let mut random = Random(seed);
    let mut now = 1_000;
    let mut store = Store::<T>::new(numbers, now + AHEAD);
    let mut leases: [Option<Lease>; 3] = [None; 3];
    let mut spent = Vec::new();
    for _ in 0..4_000 {
        now += match random.below(4) {
            0 => random.below(50_000),
            1 => random.below(3_000),
            2 => random.below(900_000),
            _ => 0,
        };
        let lease = &mut leases[random.below(3) as usize];
        let cost = random.below(4) as u32 + 1;
        if let Some(held) = lease
            && held.spend(rule, cost, now).is_some()
        {
            spent.push((now, cost));
            continue;
        }
        if let Some(over) = lease.take() {
            let tokens = over.unspent(now);
            now += random.below(400);
            store.give_back(&over, tokens, now + AHEAD);
        }
        let tokens = cost + random.below(most.into()) as u32;
        // The call takes its time, and the store charges somewhere within it.
        let asked_at = now;
        now += random.below(400);
        if let Some(reading) = store.take(tokens, now + AHEAD) {
            *lease = Lease::new(rule, tokens, &reading, asked_at);
        }
        now += random.below(400);
        if let Some(held) = lease
            && held.spend(rule, cost, now).is_some()
        {
            spent.push((now, cost));
        }
    }
    spent
}

#[test]
fn no_window_ever_holds_more_than_its_limit_however_late_leases_are_spent() {
    for seed in 0..20 {
        let length = Duration::from_micros(1_000_000 + seed * 77_777);
        let rule = rule(&Limit::sliding_window("", 40, length));
        let Rule::Window(numbers) = rule else {
            panic!("a window");
        };
        let spent = spent::<Segments>(numbers, rule, 15, seed);
        assert!(spent.len() > 100, "{}", spent.len());
        let length = numbers.length().as_micros() as u64;
        for (first, (start, _)) in spent.iter().enumerate() {
            let window = spent[first..]
                .iter()
                .take_while(|(at, _)| at - start < length);
            let total: u32 = window.map(|(_, cost)| cost).sum();
            assert!(
                total <= 40,
                "{total} in the window from {start}, seed {seed}"
            );
        }
    }
}

#[test]
fn no_time_ever_sees_more_than_the_burst_and_the_rate_however_late_leases_are_spent() {
    for seed in 0..20 {
        let limit = Limit::gcra("", Quota::per_second(25 + seed as u32).burst(40));
        let rule = rule(&limit);
        let Rule::Gcra(numbers) = rule else {
            panic!("a rate");
        };
        let spent = spent::<Bucket>(numbers, rule, 15, seed);
        assert!(spent.len() > 100, "{}", spent.len());
        for (first, (start, _)) in spent.iter().enumerate() {
            let mut total = 0_u64;
            for (at, cost) in &spent[first..] {
                total += u64::from(*cost) * numbers.unit();
                let most = 40 * numbers.unit() + (at - start) * numbers.drain();
                assert!(
                    total <= most,
                    "{total} of {most} from {start} to {at}, seed {seed}"
                );
            }
        }
    }
}

#[test]
fn a_busy_rate_loses_nothing_of_a_lease_until_what_was_before_it_has_drained() {
    let rule = rule(&Limit::gcra("", Quota::per_second(10).burst(100)));
    let Rule::Gcra(gcra) = rule else {
        panic!("a rate");
    };
    let stamp = Stamp {
        at: 0,
        level: 55 * gcra.unit(),
        place: 0,
    };
    let reading = Reading::charged(45, Duration::from_secs(5), stamp);
    let lease = Lease::new(rule, 50, &reading, 0).unwrap();
    assert_eq!(lease.left(0), 50);
    assert_eq!(lease.left(500_000), 50);
    assert_eq!(lease.left(500_001), 49);
    assert_eq!(lease.left(900_000), 46);
    assert_eq!(lease.left(1_000_000), 0, "it is over");
    assert!(!lease.is_of_no_use(500_000));
}

#[test]
fn a_lease_that_drains_faster_than_the_answer_comes_is_of_no_use() {
    let rule = rule(&Limit::gcra("", Quota::per_second(1_000_000)));
    let Rule::Gcra(gcra) = rule else {
        panic!("a rate");
    };
    let stamp = Stamp {
        at: 0,
        level: 100 * gcra.unit(),
        place: 0,
    };
    let reading = Reading::charged(999_900, Duration::ZERO, stamp);
    let lease = Lease::new(rule, 100, &reading, 0).unwrap();
    assert!(!lease.is_of_no_use(40));
    assert!(lease.is_of_no_use(60));
}

#[test]
fn no_more_is_taken_than_is_fair() {
    assert_eq!(tokens(50, 1, 10_000, 4), 50);
    assert_eq!(tokens(50, 1, 320, 4), 20);
    assert_eq!(tokens(50, 3, 10, 4), 3);
    assert_eq!(tokens(50, 3, 320, 4), 3, "six requests are not worth it");
    assert_eq!(tokens(50, 70, 10_000, 1), 70);
}
