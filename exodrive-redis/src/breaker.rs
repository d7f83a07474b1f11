//! When to stop asking a server that does not answer.
//!
//! The breaker is *closed* while calls go through and *open* while they are refused at once.
//!
//! 1. Closed, it opens on [`STREAK`] failures in a row, which catches a stall within one deadline,
//!    or when half of [`MINIMUM_CALLS`] or more calls failed, which catches a server that answers
//!    now and then. These are counted from a failure on, for a [`WINDOW`]; the next failure after
//!    it begins another. While nothing fails there is nothing to count, and a success is one read.
//! 2. Open, it refuses. No request is let through to try the server: somebody else probes it and
//!    calls [`Breaker::close`] when it answers.
//! 3. Each opening begins a new epoch. What a call begun in an earlier epoch reports is discarded,
//!    so stragglers of one outage cannot open the breaker again after it has closed.
//!
//! A call that is dropped reports nothing, and so is neither a success nor a failure.
//!
//! The whole state is one word, and every transition is one compare-and-swap of a pure function's
//! result. Threads can therefore only interleave whole transitions.

use std::time::Duration;

use crate::sync::AtomicU64;
use crate::sync::Ordering;

/// Failures in a row that open the breaker.
pub(crate) const STREAK: u64 = 5;

/// Calls from which on half of them failing opens the breaker.
const MINIMUM_CALLS: u64 = 20;

/// Milliseconds for which calls are counted after a failure.
const WINDOW: u64 = 1_000;

/// A circuit breaker in one atomic word.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    word: AtomicU64,
}

/// The permission to make one call; hand it back with what came of the call, or drop it.
#[derive(Debug)]
pub(crate) struct Ticket {
    epoch: u64,
}

/// One opening of the breaker; only the opening that was probed can be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    epoch: u64,
}

impl Breaker {
    /// Returns a ticket when the breaker is closed.
    pub(crate) fn admit(&self) -> Option<Ticket> {
        let state = self.load();
        (!state.open).then_some(Ticket { epoch: state.epoch })
    }

    /// Returns the current opening when the breaker is open.
    pub(crate) fn opening(&self) -> Option<Opening> {
        let state = self.load();
        state.open.then_some(Opening { epoch: state.epoch })
    }

    /// Returns whether a success would change nothing, so that it need not be recorded.
    pub(crate) fn is_untroubled(&self) -> bool {
        let state = self.load();
        !state.open && state.calls == 0
    }

    /// Records what came of a call at `now`, the time since a fixed origin.
    ///
    /// Returns whether this very call opened the breaker.
    pub(crate) fn record(&self, ticket: &Ticket, failed: bool, now: Duration) -> bool {
        self.update(|state| {
            let current = !state.open && state.epoch == ticket.epoch;
            current.then(|| state.recorded(failed, now))
        })
        .is_some_and(|state| state.open)
    }

    /// Closes the breaker if `opening` still lasts; returns whether it did.
    pub(crate) fn close(&self, opening: Opening) -> bool {
        self.update(|state| {
            let current = state.open && state.epoch == opening.epoch;
            current.then(|| State::closed(state.epoch))
        })
        .is_some()
    }

    fn load(&self) -> State {
        // The word publishes no other memory, so no ordering beyond its own is needed.
        State::unpack(self.word.load(Ordering::Relaxed))
    }

    /// Replaces the state by `next` of it, until that is done or `next` declines.
    fn update(&self, next: impl Fn(State) -> Option<State>) -> Option<State> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let state = next(State::unpack(word))?;
            match self.word.compare_exchange_weak(
                word,
                state.pack(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(state),
                Err(changed) => word = changed,
            }
        }
    }
}

/// What the word holds, from the highest bit to the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    open: bool,
    /// Openings so far.
    epoch: u64,
    /// When the window began, in milliseconds since the origin.
    begun: u64,
    /// Calls in the window, its first failure included; 0 while there is no window.
    calls: u64,
    failures: u64,
    /// Failures since the last success.
    streak: u64,
}

const EPOCH_BITS: u32 = 15;
/// Enough for four hours, after which a window could be taken for a new one. It is not there any
/// more by then, unless no call at all has been made in between.
const BEGUN_BITS: u32 = 24;
const COUNT_BITS: u32 = 10;
const STREAK_BITS: u32 = 4;

const fn low(bits: u32) -> u64 {
    (1 << bits) - 1
}

impl State {
    const fn closed(epoch: u64) -> Self {
        Self {
            open: false,
            epoch,
            begun: 0,
            calls: 0,
            failures: 0,
            streak: 0,
        }
    }

    /// The state after one more call of the current epoch.
    fn recorded(mut self, failed: bool, now: Duration) -> Self {
        let now = now.as_millis() as u64 & low(BEGUN_BITS);
        if self.calls == 0 || self.window_is_over(now) {
            self.begun = now;
            self.calls = 0;
            self.failures = 0;
        }
        if !failed {
            return if self.calls == 0 {
                Self::closed(self.epoch)
            } else {
                Self {
                    streak: 0,
                    ..self.counted()
                }
            };
        }
        self = self.counted();
        self.failures += 1;
        self.streak += 1;
        let many = self.calls >= MINIMUM_CALLS && self.failures * 2 >= self.calls;
        if self.streak >= STREAK || many {
            self = Self {
                open: true,
                ..Self::closed((self.epoch + 1) & low(EPOCH_BITS))
            };
        }
        self
    }

    /// One more call; halving both counts when they are full keeps the share of failures, which is
    /// all that is asked of them.
    fn counted(mut self) -> Self {
        if self.calls == low(COUNT_BITS) {
            self.calls /= 2;
            self.failures /= 2;
        }
        self.calls += 1;
        self
    }

    fn window_is_over(&self, now: u64) -> bool {
        let age = now.wrapping_sub(self.begun) & low(BEGUN_BITS);
        // A thread that read the clock before the window began, and was overtaken, is in it.
        let overtaken = low(BEGUN_BITS) - WINDOW;
        (WINDOW..overtaken).contains(&age)
    }

    const fn pack(self) -> u64 {
        let mut word = self.open as u64;
        word = word << EPOCH_BITS | self.epoch;
        word = word << BEGUN_BITS | self.begun;
        word = word << COUNT_BITS | self.calls;
        word = word << COUNT_BITS | self.failures;
        word << STREAK_BITS | self.streak
    }

    const fn unpack(mut word: u64) -> Self {
        let streak = word & low(STREAK_BITS);
        word >>= STREAK_BITS;
        let failures = word & low(COUNT_BITS);
        word >>= COUNT_BITS;
        let calls = word & low(COUNT_BITS);
        word >>= COUNT_BITS;
        let begun = word & low(BEGUN_BITS);
        word >>= BEGUN_BITS;
        let epoch = word & low(EPOCH_BITS);
        Self {
            open: word >> EPOCH_BITS == 1,
            epoch,
            begun,
            calls,
            failures,
            streak,
        }
    }
}

#[cfg(all(test, exodrive_loom))]
mod interleavings;
#[cfg(test)]
mod tests;
