//! Whether there is an order of operations that explains what everybody saw (J. M. Wing and C. Gong, "Testing and Verifying
//! Concurrent Objects", 1993, with a memory of what was tried).

use std::collections::HashSet;
use std::hash::Hash;

/// What happens at one moment.
pub(super) trait Operation {
    type State: Clone + Eq + Hash;

    /// Returns what it leaves of a state in which it can happen as it did.
    fn apply(&self, state: &Self::State) -> Option<Self::State>;
}

/// An operation that happened at some moment between two, or, without the second, after the first or not at all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span<O> {
    pub(super) begin: u64,
    pub(super) end: Option<u64>,
    pub(super) operation: O,
}

/// Returns whether there is a moment for each operation, so that each can happen as it did after those before it.
///
/// What is in front of the history is tried first.
pub(super) fn is_explained<O: Operation>(first: O::State, history: &[Span<O>]) -> bool {
    let search = Search { history };
    assert!(history.len() <= Done::BITS as usize, "a short history");
    search.goes_on(0, first, &mut HashSet::new())
}

/// Which operations of a history have happened.
type Done = u128;

struct Search<'a, O> {
    history: &'a [Span<O>],
}

impl<O: Operation> Search<'_, O> {
    fn goes_on(&self, done: Done, state: O::State, tried: &mut HashSet<(Done, O::State)>) -> bool {
        let waiting = || {
            let all = self.history.iter().enumerate();
            all.filter(move |(index, _)| done & (1 << index) == 0)
        };
        // Whatever begins after this comes after what ends then.
        let Some(latest) = waiting().filter_map(|(_, span)| span.end).min() else {
            return true;
        };
        if !tried.insert((done, state.clone())) {
            return false;
        }
        let next = waiting().filter(|(_, span)| span.begin <= latest);
        let next = next.filter_map(|(index, span)| Some((index, span.operation.apply(&state)?)));
        let next: Vec<_> = next.collect();
        // What changes nothing is in nobody's way.
        if let Some((index, _)) = next.iter().find(|(_, after)| *after == state) {
            return self.goes_on(done | (1 << index), state, tried);
        }
        next.into_iter()
            .any(|(index, after)| self.goes_on(done | (1 << index), after, tried))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A register that holds a number.
    #[derive(Clone, Copy)]
    enum Register {
        Write(u8),
        Read(u8),
    }

    use Register::{Read, Write};

    impl Operation for Register {
        type State = u8;

        fn apply(&self, state: &u8) -> Option<u8> {
            match *self {
                Write(new) => Some(new),
                Read(seen) => (seen == *state).then_some(seen),
            }
        }
    }

    fn explained(history: &[(u64, Option<u64>, Register)]) -> bool {
        let spans = history.iter().map(|&(begin, end, operation)| Span {
            begin,
            end,
            operation,
        });
        is_explained(0, &spans.collect::<Vec<_>>())
    }

    #[test]
    fn overlapping_operations_may_happen_in_any_order() {
        for seen in [0, 1, 2] {
            assert!(explained(&[
                (0, Some(9), Write(1)),
                (0, Some(9), Write(2)),
                (5, Some(6), Read(seen)),
            ]));
        }
        // The second read needs the write of 1 to be the last one.
        assert!(explained(&[
            (0, Some(9), Write(1)),
            (0, Some(9), Write(2)),
            (2, Some(3), Read(2)),
            (4, Some(5), Read(1)),
        ]));
    }

    #[test]
    fn what_has_ended_comes_before_what_begins() {
        assert!(!explained(&[(0, Some(1), Write(1)), (2, Some(3), Read(0))]));
        assert!(!explained(&[(0, Some(1), Read(1)), (2, Some(3), Write(1))]));
        assert!(!explained(&[
            (0, Some(9), Write(1)),
            (2, Some(3), Read(1)),
            (4, Some(5), Read(0)),
        ]));
        assert!(!explained(&[
            (0, Some(9), Write(1)),
            (0, Some(9), Write(2)),
            (2, Some(3), Read(2)),
            (4, Some(5), Read(1)),
            (6, Some(7), Read(2)),
        ]));
    }

    #[test]
    fn what_has_no_end_may_happen_later_or_never() {
        for seen in [0, 1] {
            assert!(explained(&[(0, None, Write(1)), (2, Some(3), Read(seen))]));
        }
        assert!(!explained(&[(4, None, Write(1)), (2, Some(3), Read(1))]));
    }
}
