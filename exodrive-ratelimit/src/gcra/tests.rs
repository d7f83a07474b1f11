use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::Quota;

fn rule(quota: Quota) -> Gcra {
    quota.reduced().unwrap()
}

/// Takes `cost` if it fits, and says whether it did.
fn take(bucket: &mut Bucket, rule: &Gcra, cost: u32, now: u64) -> bool {
    *bucket = bucket.seen_at(rule, now);
    let fits = bucket.fits(rule, cost);
    if fits {
        bucket.charge(rule, cost);
    }
    fits
}

#[test]
fn reduces_a_quota_to_integers() {
    for (quota, unit, drain) in [
        (Quota::per_minute(60), 1_000_000, 1),
        (Quota::per_second(7), 1_000_000, 7),
        (Quota::per_second(20).burst(40), 50_000, 1),
        (Quota::per(3, Duration::from_millis(2)), 2_000, 3),
    ] {
        let rule = rule(quota);
        assert_eq!((rule.unit(), rule.drain()), (unit, drain), "{quota:?}");
    }
}

#[test]
fn refuses_quotas_that_cannot_be_counted() {
    let mistake = |quota: Quota| quota.reduced().unwrap_err();
    assert_eq!(mistake(Quota::per_second(0)), RuleMistake::Zero);
    assert_eq!(mistake(Quota::per_second(1).burst(0)), RuleMistake::Zero);
    for period in [Duration::ZERO, Duration::from_micros(999), Duration::MAX] {
        assert_eq!(mistake(Quota::per(1, period)), RuleMistake::Period(period));
    }
    assert!(matches!(
        mistake(Quota::per_day(1_000_003)),
        RuleMistake::TooFine {
            burst: 1_000_003,
            ..
        }
    ));
}

#[test]
fn admits_a_burst_and_then_the_rate() {
    let rule = rule(Quota::per_second(2).burst(3));
    let mut bucket = Bucket::empty(&rule, 0);
    for left in [2, 1, 0] {
        assert!(take(&mut bucket, &rule, 1, 0));
        assert_eq!(bucket.remaining(&rule), left);
    }
    assert_eq!(bucket.retry_after(&rule, 1), Some(500_000));
    assert_eq!(bucket.retry_after(&rule, 3), Some(1_500_000));
    assert_eq!(bucket.reset_after(&rule), 1_500_000);
    assert!(!take(&mut bucket, &rule, 1, 499_999));
    assert!(take(&mut bucket, &rule, 1, 500_000));
}

#[test]
fn carries_usage_to_another_quota_in_whole_tokens() {
    let (from, to) = (rule(Quota::per_minute(60)), rule(Quota::per_hour(7)));
    let mut bucket = Bucket::empty(&from, 0);
    bucket.charge(&from, 4);
    let carried = bucket.seen_at(&from, 1).carried(&from, &to, 1);
    assert_eq!(
        carried.remaining(&to),
        3,
        "a token in part is a token in use"
    );
    assert_eq!(carried.carried(&to, &from, 1).remaining(&from), 56);
}

#[test]
fn a_clock_that_steps_back_locks_nobody_out() {
    let rule = rule(Quota::per_minute(60));
    let mut bucket = Bucket::empty(&rule, 7_200_000_000);
    bucket.charge(&rule, 60);
    let bucket = bucket.seen_at(&rule, 3_600_000_000);
    assert_eq!(bucket.remaining(&rule), 0, "usage is kept");
    assert_eq!(bucket.retry_after(&rule, 1), Some(1_000_000));
}

#[test]
fn the_largest_numbers_saturate() {
    let rule = rule(Quota::per_day(100_000));
    let mut bucket = Bucket::empty(&rule, 0);
    assert!(!bucket.fits(&rule, u32::MAX));
    for _ in 0..1_000 {
        bucket.charge(&rule, u32::MAX);
    }
    assert_eq!(bucket.level(), EXACT);
    assert_eq!(bucket.remaining(&rule), 0);
    assert!(bucket.retry_after(&rule, 1).is_some());
    assert_eq!(bucket.seen_at(&rule, u64::MAX).level(), 0);
}

prop_compose! {
    fn any_rule()(count in 1..2_000_u32, period in 1_000..100_000_000_u64, burst in 1..50_u32) -> Gcra {
        rule(Quota::per(count, Duration::from_micros(period)).burst(burst))
    }
}

proptest! {
    #[test]
    fn never_admits_more_than_the_burst_and_the_rate(
        rule in any_rule(),
        steps in vec((0..3_000_000_u64, 1..8_u32), 1..60),
    ) {
        let mut bucket = Bucket::empty(&rule, 0);
        let mut now = 0;
        let mut admitted: Vec<(u64, u64)> = Vec::new();
        for (gap, cost) in steps {
            now += gap;
            if take(&mut bucket, &rule, cost, now) {
                admitted.push((now, rule.weight(cost)));
            }
        }
        for (first, &(start, _)) in admitted.iter().enumerate() {
            let mut weight = 0;
            for &(end, more) in &admitted[first..] {
                weight += more;
                prop_assert!(weight <= rule.capacity() + rule.drain * (end - start));
            }
        }
    }

    #[test]
    fn there_is_room_at_the_retry_time_and_not_before(
        rule in any_rule(),
        taken in 0..60_u32,
        cost in 1..50_u32,
    ) {
        let mut bucket = Bucket::empty(&rule, 0);
        bucket.charge(&rule, taken);
        match bucket.retry_after(&rule, cost) {
            None => prop_assert!(cost > rule.burst()),
            Some(0) => prop_assert!(bucket.fits(&rule, cost)),
            Some(wait) => {
                prop_assert!(!bucket.seen_at(&rule, wait - 1).fits(&rule, cost));
                prop_assert!(bucket.seen_at(&rule, wait).fits(&rule, cost));
            }
        }
        let reset = bucket.reset_after(&rule);
        prop_assert!(bucket.seen_at(&rule, reset).is_empty());
        prop_assert!(reset == 0 || !bucket.seen_at(&rule, reset - 1).is_empty());
    }

    #[test]
    fn a_refund_never_leaves_less_in_use_than_if_the_charge_had_not_been(
        rule in any_rule(),
        before in 0..20_u32,
        (charged, kept) in (1..20_u32).prop_flat_map(|charged| (Just(charged), 0..=charged)),
        after in vec((0..3_000_000_u64, 0..8_u32), 0..20),
    ) {
        let mut bucket = Bucket::empty(&rule, 0);
        bucket.charge(&rule, before);
        let mut without = bucket;
        without.charge(&rule, kept);
        bucket.charge(&rule, charged);
        let stamp = bucket.stamp();
        let mut now = 0;
        for (gap, cost) in after {
            now += gap;
            bucket = bucket.seen_at(&rule, now);
            without = without.seen_at(&rule, now);
            bucket.charge(&rule, cost);
            without.charge(&rule, cost);
        }
        bucket.refund(&rule, charged - kept, stamp);
        prop_assert!(bucket.level() >= without.level());
        if now == 0 {
            prop_assert_eq!(bucket.level(), without.level());
        }
    }
}
