use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A window of ten short segments, so that small cases can be tried out in full.
const fn window(max: u32, segment: u64) -> Window {
    Window { max, segment }
}

fn take(segments: &mut Segments, rule: &Window, cost: u32, now: u64) -> bool {
    *segments = segments.seen_at(rule, now);
    let fits = segments.fits(rule, cost);
    if fits {
        segments.charge(rule, cost);
    }
    fits
}

/// The most that was taken in any window of the rule's length.
fn busiest(admitted: &[(u64, u32)], rule: &Window) -> u64 {
    let length = rule.segment * SEGMENTS;
    let sum_from = |start: u64| {
        let within = admitted
            .iter()
            .filter(|(at, _)| (start..start + length).contains(at));
        within.map(|(_, cost)| u64::from(*cost)).sum()
    };
    admitted
        .iter()
        .map(|(at, _)| sum_from(*at))
        .max()
        .unwrap_or(0)
}

#[test]
fn refuses_windows_that_cannot_be_counted() {
    let mistake = |max, length| Window::new(max, length).unwrap_err();
    assert_eq!(mistake(0, Duration::from_secs(1)), RuleMistake::Zero);
    for length in [Duration::ZERO, Duration::from_micros(999), Duration::MAX] {
        assert_eq!(mistake(1, length), RuleMistake::Period(length));
    }
}

#[test]
fn segments_cover_a_window_that_ten_does_not_divide() {
    let length = Duration::from_micros(1_234_567);
    let window = Window::new(1, length).unwrap();
    assert_eq!(window.segment(), 123_457);
    assert!(window.length() >= length);
}

#[test]
fn whatever_the_arrivals_no_window_holds_more_than_the_limit() {
    const TICKS: u64 = 16;
    for (max, segment, stride) in [
        (1, 1, 1),
        (2, 1, 1),
        (3, 1, 1),
        (1, 2, 2),
        (2, 3, 2),
        (3, 2, 3),
    ] {
        let rule = window(max, segment);
        for arrivals in 0..1_u32 << TICKS {
            let mut segments = Segments::empty(&rule, 0);
            let mut admitted = Vec::new();
            for tick in (0..TICKS).filter(|tick| arrivals & 1 << tick != 0) {
                let now = tick * stride;
                if take(&mut segments, &rule, 1, now) {
                    admitted.push((now, 1));
                }
            }
            assert!(
                busiest(&admitted, &rule) <= u64::from(max),
                "{arrivals:b} {admitted:?}"
            );
        }
    }
}

#[test]
fn what_was_taken_leaves_at_most_a_segment_after_the_window() {
    let rule = window(1, 100);
    for start in 0..100 {
        let mut segments = Segments::empty(&rule, start);
        assert!(take(&mut segments, &rule, 1, start));
        let wait = segments.retry_after(&rule, 1).unwrap();
        assert!((1_000..=1_100).contains(&wait), "{start}: {wait}");
        assert_eq!(segments.reset_after(&rule), wait);
    }
}

#[test]
fn the_retry_time_depends_on_the_cost() {
    let rule = window(10, 100);
    let mut segments = Segments::empty(&rule, 0);
    for (now, cost) in [(0, 4), (250, 3), (920, 3)] {
        assert!(take(&mut segments, &rule, cost, now));
    }
    let waits = [1, 4, 5, 7, 8, 10, 11].map(|cost| segments.retry_after(&rule, cost));
    let at = |time: u64| Some(time - 920);
    assert_eq!(
        waits,
        [
            at(1_100),
            at(1_100),
            at(1_300),
            at(1_300),
            at(2_000),
            at(2_000),
            None
        ]
    );
}

#[test]
fn a_clock_that_steps_back_keeps_usage_and_locks_nobody_out() {
    let rule = window(5, 100);
    for back_to in [0, 550, 4_990, 4_100, 5_000] {
        let mut segments = Segments::empty(&rule, 4_400);
        assert!(take(&mut segments, &rule, 2, 4_400));
        assert!(take(&mut segments, &rule, 3, 5_000));
        let segments = segments.seen_at(&rule, back_to);
        assert_eq!(segments.remaining(&rule), 0);
        assert!(segments.reset_after(&rule) <= 1_100);
        assert!(segments.seen_at(&rule, back_to + 1_100).is_empty());
    }
}

#[test]
fn carries_usage_to_another_length_and_never_lets_it_leave_early() {
    let from = window(9, 100);
    for to_segment in [7, 33, 100, 150, 1_000] {
        let to = window(9, to_segment);
        let mut segments = Segments::empty(&from, 1_050);
        assert!(take(&mut segments, &from, 4, 1_050));
        assert!(take(&mut segments, &from, 5, 1_190));
        let carried = segments.carried(&from, &to, 1_199).seen_at(&to, 1_199);
        let length = to_segment * SEGMENTS;
        let expected = if length > 1_199 - 1_050 { 0 } else { 4 };
        assert!(carried.remaining(&to) <= expected, "{to_segment}");
        assert!(carried.reset_after(&to) >= length - (1_199 - 1_190));
        assert!(carried.reset_after(&to) <= length + to_segment);
    }
}

#[test]
fn counters_saturate() {
    let rule = window(u32::MAX, 100);
    let mut segments = Segments::empty(&rule, 0);
    for _ in 0..3 {
        segments.charge(&rule, u32::MAX);
    }
    assert_eq!(segments.remaining(&rule), 0);
    assert!(!segments.fits(&rule, 1));
    assert_eq!(segments.retry_after(&rule, 1), Some(1_100));
}

proptest! {
    #[test]
    fn never_admits_more_than_the_limit_in_any_window(
        max in 1..20_u32,
        segment in 1..50_u64,
        start in 0..1_000_u64,
        steps in vec((0..200_u64, 1..8_u32), 1..80),
    ) {
        let rule = window(max, segment);
        let mut segments = Segments::empty(&rule, start);
        let mut now = start;
        let mut admitted = Vec::new();
        for (gap, cost) in steps {
            now += gap;
            if take(&mut segments, &rule, cost, now) {
                admitted.push((now, cost));
            } else if let Some(wait) = segments.retry_after(&rule, cost) {
                prop_assert!(wait > 0);
                prop_assert!(!segments.seen_at(&rule, now + wait - 1).fits(&rule, cost));
                prop_assert!(segments.seen_at(&rule, now + wait).fits(&rule, cost));
            } else {
                prop_assert!(cost > max);
            }
        }
        prop_assert!(busiest(&admitted, &rule) <= u64::from(max));
    }

    #[test]
    fn a_refund_leaves_exactly_what_would_be_in_use_without_the_charge(
        segment in 1..50_u64,
        (charged, kept) in (1..20_u32).prop_flat_map(|charged| (Just(charged), 0..=charged)),
        before in vec((0..100_u64, 0..8_u32), 0..10),
        after in vec((0..100_u64, 0..8_u32), 0..10),
    ) {
        let rule = window(1_000, segment);
        let (mut with, mut without) = (Segments::empty(&rule, 0), Segments::empty(&rule, 0));
        let mut now = 0;
        let mut both = |with: &mut Segments, without: &mut Segments, steps: Vec<(u64, u32)>| {
            for (gap, cost) in steps {
                now += gap;
                for segments in [&mut *with, &mut *without] {
                    *segments = segments.seen_at(&rule, now);
                    segments.charge(&rule, cost);
                }
            }
        };
        both(&mut with, &mut without, before);
        with.charge(&rule, charged);
        without.charge(&rule, kept);
        let stamp = with.stamp();
        both(&mut with, &mut without, after);
        with.refund(&rule, charged - kept, stamp);
        prop_assert_eq!(with, without);
    }
}
