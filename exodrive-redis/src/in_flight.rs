//! How many calls are under way.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// A count with a limit. It never waits, so it needs no more than an atomic number.
#[derive(Debug)]
pub(crate) struct InFlight {
    count: AtomicUsize,
    limit: usize,
}

/// A place among the calls under way, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    count: &'a AtomicUsize,
}

impl InFlight {
    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            count: AtomicUsize::new(0),
            limit,
        }
    }

    /// Takes a place if there is one.
    pub(crate) fn enter(&self) -> Option<Place<'_>> {
        let before = self.count.fetch_add(1, Ordering::Relaxed);
        let place = Place { count: &self.count };
        // One too many gives its place back by being dropped here.
        (before < self.limit).then_some(place)
    }

    /// Returns how many places are taken.
    pub(crate) fn count(&self) -> usize {
        // Calls that are being turned away are counted for an instant.
        self.count.load(Ordering::Relaxed).min(self.limit)
    }

    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_as_many_places_as_the_limit() {
        let in_flight = InFlight::new(2);
        let (first, second) = (in_flight.enter(), in_flight.enter());
        assert!(first.is_some() && second.is_some());
        assert!(in_flight.enter().is_none());
        assert_eq!(in_flight.count(), 2);
        drop(first);
        assert!(in_flight.enter().is_some());
        drop(second);
        assert_eq!(in_flight.count(), 0);
    }
}
