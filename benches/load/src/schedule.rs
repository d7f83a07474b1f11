//! When each request is due, whatever became of those before it.

use std::iter;
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;

/// Something is due.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Arrival {
    /// Counted from the start.
    pub(crate) at: Duration,
    pub(crate) lane: Lane,
}

/// What is due.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lane {
    Read,
    Write,
}

/// So many reads and writes a second, each at even distances, in the order in which they are due.
pub(crate) fn arrivals(reads: u32, writes: u32, length: Duration) -> impl Iterator<Item = Arrival> {
    let mut reads = every(reads, 0, Lane::Read).peekable();
    // Half a step later, so that the two do not always fall together.
    let half = SECOND / 2 / u64::from(writes);
    let mut writes = every(writes, half, Lane::Write).peekable();
    iter::from_fn(move || {
        let write_is_next = match (reads.peek(), writes.peek()) {
            (Some(read), Some(write)) => write.at < read.at,
            (read, _) => read.is_none(),
        };
        if write_is_next {
            writes.next()
        } else {
            reads.next()
        }
    })
    .take_while(move |arrival| arrival.at < length)
}

fn every(rate: u32, first: u64, lane: Lane) -> impl Iterator<Item = Arrival> {
    // Each from the start, so that what is lost in rounding does not add up.
    (0..).map(move |number: u64| Arrival {
        at: Duration::from_nanos(first + number * SECOND / u64::from(rate)),
        lane,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_exactly_as_many_of_each_as_asked() {
        let all: Vec<Arrival> = arrivals(1_000, 100, Duration::from_secs(3)).collect();
        let writes = all.iter().filter(|arrival| arrival.lane == Lane::Write);
        assert_eq!(writes.count(), 300);
        assert_eq!(all.len(), 3_300);
        assert!(all.is_sorted_by_key(|arrival| arrival.at));
    }

    #[test]
    fn does_not_drift_where_the_step_is_no_whole_number() {
        let all = arrivals(3, 7, Duration::from_secs(10));
        let whole =
            all.filter(|arrival| arrival.lane == Lane::Read && arrival.at.subsec_nanos() == 0);
        assert_eq!(whole.count(), 10);
    }
}
