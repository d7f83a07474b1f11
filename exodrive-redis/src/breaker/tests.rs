use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const START: Duration = Duration::from_secs(7);

fn fail(breaker: &Breaker, times: usize) -> usize {
    (0..times)
        .filter_map(|_| breaker.admit())
        .filter(|ticket| breaker.record(ticket, true, START))
        .count()
}

fn succeed(breaker: &Breaker, times: usize) {
    for _ in 0..times {
        let ticket = breaker.admit().unwrap();
        assert!(!breaker.record(&ticket, false, START));
    }
}

/// Makes calls of which half fail, never two in a row; the first and the last fail.
fn fail_every_other(breaker: &Breaker, times: usize) -> usize {
    let opened = fail(breaker, 1);
    succeed(breaker, 1);
    (1..times).fold(opened, |opened, _| {
        succeed(breaker, 1);
        opened + fail(breaker, 1)
    })
}

#[test]
fn opens_once_on_the_fifth_failure_in_a_row() {
    let breaker = Breaker::default();
    assert_eq!(fail(&breaker, 4), 0);
    assert!(breaker.admit().is_some());
    assert_eq!(fail(&breaker, 10), 1);
    assert!(breaker.admit().is_none());
}

#[test]
fn a_success_ends_the_row() {
    let breaker = Breaker::default();
    for _ in 0..4 {
        fail(&breaker, 4);
        succeed(&breaker, 20);
    }
    assert!(breaker.admit().is_some());
}

#[test]
fn opens_when_half_of_twenty_calls_fail_within_a_second() {
    let breaker = Breaker::default();
    assert_eq!(fail_every_other(&breaker, 9), 0);
    succeed(&breaker, 1);
    assert_eq!(fail(&breaker, 1), 1);
}

#[test]
fn stays_closed_when_fewer_than_half_fail() {
    let breaker = Breaker::default();
    for _ in 0..1_000 {
        assert_eq!(fail(&breaker, 1), 0);
        succeed(&breaker, 2);
    }
}

#[test]
fn counts_nothing_before_a_failure() {
    let breaker = Breaker::default();
    succeed(&breaker, 1_000);
    assert!(breaker.is_untroubled());
    assert_eq!(fail_every_other(&breaker, 10), 1);
}

#[test]
fn forgets_the_share_after_a_second_but_not_the_row() {
    let breaker = Breaker::default();
    fail_every_other(&breaker, 9);
    fail(&breaker, 1);
    let later = START + Duration::from_secs(1);
    for opened in [false, false, true] {
        let ticket = breaker.admit().unwrap();
        assert_eq!(breaker.record(&ticket, true, later), opened);
    }
}

#[test]
fn a_call_overtaken_by_the_window_counts_in_it() {
    let breaker = Breaker::default();
    fail_every_other(&breaker, 9);
    succeed(&breaker, 1);
    let ticket = breaker.admit().unwrap();
    assert!(breaker.record(&ticket, true, START - Duration::from_millis(3)));
}

#[test]
fn ignores_calls_begun_before_the_last_opening() {
    let breaker = Breaker::default();
    let stragglers: Vec<_> = (0..STREAK).map(|_| breaker.admit().unwrap()).collect();
    fail(&breaker, 5);
    assert!(breaker.close(breaker.opening().unwrap()));
    for ticket in &stragglers {
        assert!(!breaker.record(ticket, true, START));
    }
    assert!(breaker.admit().is_some());
}

#[test]
fn only_the_opening_that_was_probed_can_be_closed() {
    let breaker = Breaker::default();
    fail(&breaker, 5);
    let first = breaker.opening().unwrap();
    assert!(breaker.close(first));
    assert!(!breaker.close(first));
    fail(&breaker, 5);
    assert!(!breaker.close(first));
    assert!(breaker.admit().is_none());
}

#[test]
fn keeps_the_share_of_failures_when_the_counts_are_full() {
    let breaker = Breaker::default();
    for _ in 0..10_000 {
        succeed(&breaker, 2);
        assert_eq!(fail(&breaker, 1), 0);
    }
    let state = breaker.load();
    assert_eq!(u128::from(state.begun), START.as_millis());
    assert!(state.calls > low(COUNT_BITS) / 2 - 1);
    let share = state.failures as f64 / state.calls as f64;
    assert!((share - 1.0 / 3.0).abs() < 0.01, "{share}");
}

#[test]
fn one_of_many_threads_is_told_that_it_opened() {
    let breaker = Breaker::default();
    let opened: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| fail(&breaker, 1_000)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(opened, 1);
}

/// The rules again, with every outcome kept and nothing packed.
#[derive(Default)]
struct Model {
    openings: u64,
    open: bool,
    outcomes: Vec<(Duration, bool)>,
}

impl Model {
    fn record(&mut self, begun: u64, failed: bool, now: Duration) -> bool {
        if self.open || begun != self.openings {
            return false;
        }
        self.outcomes.push((now, failed));
        let mut window: Vec<(Duration, bool)> = Vec::new();
        for &(at, failed) in &self.outcomes {
            if window
                .first()
                .is_some_and(|first| at - first.0 >= Duration::from_secs(1))
            {
                window.clear();
            }
            if failed || !window.is_empty() {
                window.push((at, failed));
            }
        }
        let row = self
            .outcomes
            .iter()
            .rev()
            .take_while(|(_, failed)| *failed)
            .count();
        let failures = window.iter().filter(|(_, failed)| *failed).count();
        let many = window.len() >= 20 && failures * 2 >= window.len();
        self.open = failed && (row >= 5 || many);
        self.openings += u64::from(self.open);
        self.open
    }

    fn close(&mut self, opening: u64) -> bool {
        let closes = self.open && opening == self.openings;
        if closes {
            self.open = false;
            self.outcomes.clear();
        }
        closes
    }
}

#[derive(Clone, Debug)]
enum Step {
    Admit(usize),
    Record {
        pick: prop::sample::Index,
        failed: bool,
    },
    Look,
    Close {
        pick: prop::sample::Index,
    },
    Wait(Duration),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_usize..6).prop_map(Step::Admit),
        8 => (any::<prop::sample::Index>(), prop::bool::weighted(0.45))
            .prop_map(|(pick, failed)| Step::Record { pick, failed }),
        3 => Just(Step::Look),
        3 => any::<prop::sample::Index>().prop_map(|pick| Step::Close { pick }),
        1 => (0_u64..800).prop_map(|millis| Step::Wait(Duration::from_millis(millis))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_model(steps in vec(step(), 1..250)) {
        let (breaker, mut model) = (Breaker::default(), Model::default());
        let (mut tickets, mut openings) = (Vec::new(), Vec::new());
        let mut now = START;
        for step in steps {
            match step {
                Step::Admit(calls) => {
                    for _ in 0..calls {
                        let ticket = breaker.admit();
                        prop_assert_eq!(ticket.is_some(), !model.open);
                        tickets.extend(ticket.map(|ticket| (ticket, model.openings)));
                    }
                }
                Step::Record { pick, failed } if !tickets.is_empty() => {
                    let (ticket, begun) = tickets.swap_remove(pick.index(tickets.len()));
                    let spared = (!failed && breaker.is_untroubled()).then(|| breaker.load());
                    prop_assert_eq!(breaker.record(&ticket, failed, now), model.record(begun, failed, now));
                    prop_assert!(spared.is_none_or(|before| before == breaker.load()));
                }
                Step::Look => {
                    let opening = breaker.opening();
                    prop_assert_eq!(opening.is_some(), model.open);
                    openings.extend(opening.map(|opening| (opening, model.openings)));
                }
                Step::Close { pick } if !openings.is_empty() => {
                    let (opening, begun) = openings[pick.index(openings.len())];
                    prop_assert_eq!(breaker.close(opening), model.close(begun));
                }
                Step::Wait(time) => now += time,
                Step::Record { .. } | Step::Close { .. } => {}
            }
        }
    }

    #[test]
    fn the_word_holds_the_whole_state(word in any::<u64>()) {
        prop_assert_eq!(State::unpack(word).pack(), word);
    }
}
