//! When the last invalidations happened, for fills whose handler may read data that is a little old.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::ledger::Position;

/// How many invalidations are remembered.
const CAPACITY: usize = 1 << 12;

/// The times of the last invalidations.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Times>);

#[derive(Debug, Default)]
struct Times {
    /// Each with its position, in order.
    known: VecDeque<(Instant, Position)>,
    /// The time of the last one that is not remembered any more.
    forgotten: Option<Instant>,
}

impl Recent {
    /// Takes note of an invalidation, which returns its position.
    pub(super) fn note(&self, now: Instant, invalidate: impl FnOnce() -> Position) {
        // Held meanwhile, so that nobody knows the position and not the time.
        let mut times = self.0.lock();
        let position = invalidate();
        times.known.push_back((now, position));
        if times.known.len() > CAPACITY
            && let Some((time, _)) = times.known.pop_front()
        {
            times.forgotten = Some(time);
        }
    }

    /// Returns a position that had been reached by `time`, or 0 if that is not known. `head` returns the present one.
    pub(super) fn position_at(
        &self,
        time: Option<Instant>,
        head: impl FnOnce() -> Position,
    ) -> Position {
        let times = self.0.lock();
        let head = head();
        let Some(time) = time.filter(|time| times.forgotten.is_none_or(|last| last <= *time))
        else {
            return 0;
        };
        let mut later = times.known.iter().filter(|(at, _)| *at > time);
        later.next().map_or(head, |(_, position)| position - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn knows_what_had_happened_by_then() {
        let recent = Recent::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for position in 1..=3 {
            recent.note(at(10 * position), || position);
        }
        let position_at = |seconds| recent.position_at(Some(at(seconds)), || 3);
        assert_eq!(
            [0, 9, 10, 19, 20, 29, 30].map(position_at),
            [0, 0, 1, 1, 2, 2, 3]
        );
        assert_eq!(recent.position_at(None, || 3), 0);
    }

    #[test]
    fn what_is_forgotten_may_have_been_anything() {
        let recent = Recent::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let last = CAPACITY as u64 + 5;
        for position in 1..=last {
            recent.note(at(position), || position);
        }
        let position_at = |seconds| recent.position_at(Some(at(seconds)), || last);
        assert_eq!(position_at(4), 0);
        assert_eq!(position_at(5), 5);
        assert_eq!(position_at(last), last);
    }
}
