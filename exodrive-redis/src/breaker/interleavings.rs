//! Every interleaving of the threads that trip, probe and close, by a model checker:
//!
//! ```sh
//! RUSTFLAGS="--cfg exodrive_loom" cargo test -p exodrive-redis --lib breaker::interleavings
//! ```
//!
//! The name is not `loom`, by which Tokio would leave its sockets out.

use loom::model;
use loom::sync::Arc;
use loom::thread;

use super::*;

const NOW: Duration = Duration::from_secs(7);

fn fail(breaker: &Breaker, times: u64) -> usize {
    let tickets: Vec<_> = (0..times).filter_map(|_| breaker.admit()).collect();
    let opened = |ticket: &&Ticket| breaker.record(ticket, true, NOW);
    tickets.iter().filter(opened).count()
}

fn open() -> (Arc<Breaker>, Opening) {
    let breaker = Arc::new(Breaker::default());
    assert_eq!(fail(&breaker, STREAK), 1);
    let opening = breaker.opening().unwrap();
    (breaker, opening)
}

#[test]
fn one_of_the_threads_that_fail_together_opens_it() {
    model(|| {
        let breaker = Arc::new(Breaker::default());
        assert_eq!(fail(&breaker, STREAK - 2), 0);
        let threads = [(); 2].map(|()| {
            let breaker = Arc::clone(&breaker);
            thread::spawn(move || fail(&breaker, 2))
        });
        let opened: usize = threads.map(|thread| thread.join().unwrap()).iter().sum();
        assert_eq!(opened, 1);
        assert!(breaker.admit().is_none());
    });
}

#[test]
fn one_of_the_probes_that_succeed_together_closes_it() {
    model(|| {
        let (breaker, _) = open();
        let threads = [(); 2].map(|()| {
            let breaker = Arc::clone(&breaker);
            thread::spawn(move || {
                let opening = breaker.opening();
                opening.is_some_and(|opening| breaker.close(opening))
            })
        });
        let closed = threads.map(|thread| thread.join().unwrap());
        assert_eq!(closed.iter().filter(|closed| **closed).count(), 1);
        assert!(breaker.admit().is_some());
    });
}

#[test]
fn stragglers_never_open_it_again_while_it_is_closed() {
    model(|| {
        let breaker = Arc::new(Breaker::default());
        let stragglers: Vec<_> = (0..STREAK).filter_map(|_| breaker.admit()).collect();
        assert_eq!(fail(&breaker, STREAK), 1);
        let opening = breaker.opening().unwrap();
        let late = Arc::clone(&breaker);
        let late = thread::spawn(move || {
            let opened = |ticket: &&Ticket| late.record(ticket, true, NOW);
            stragglers.iter().filter(opened).count()
        });
        assert!(breaker.close(opening));
        assert_eq!(late.join().unwrap(), 0);
        assert!(breaker.is_untroubled());
    });
}

#[test]
fn a_late_probe_does_not_close_what_opened_since() {
    model(|| {
        let (breaker, first) = open();
        let other = Arc::clone(&breaker);
        let other = thread::spawn(move || {
            let closed = other.close(first);
            // Nothing is admitted before it is closed, by whichever thread.
            (closed, fail(&other, STREAK))
        });
        let closed = breaker.close(first);
        let (other_closed, opened) = other.join().unwrap();
        assert!(closed != other_closed);
        assert_eq!(opened, 1);
        assert!(breaker.opening().is_some_and(|opening| opening != first));
    });
}

#[test]
fn a_success_and_a_failure_at_the_same_time_are_both_counted() {
    model(|| {
        let breaker = Arc::new(Breaker::default());
        assert_eq!(fail(&breaker, 1), 0);
        let other = Arc::clone(&breaker);
        let other = thread::spawn(move || fail(&other, 1));
        let ticket = breaker.admit().unwrap();
        assert!(!breaker.record(&ticket, false, NOW));
        assert_eq!(other.join().unwrap(), 0);
        let state = breaker.load();
        assert_eq!((state.calls, state.failures), (3, 2));
        assert!(state.streak <= 1);
    });
}
