//! Who is refused most, in bounded memory.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use crate::Subject;

/// How many subjects are counted.
const PLACES: usize = 128;

/// Counts by the Space-Saving algorithm (Metwally, Agrawal, El Abbadi 2005): a newcomer takes the place of whoever has
/// the smallest count, and that count with it. Whoever is refused more often than one in 128 times is always among them,
/// with a count that is never too low.
///
/// Kept in order, so that neither finding the smallest count nor raising one looks at all of them: a flood of refusals
/// to ever new subjects comes through here.
#[derive(Debug, Default)]
pub(crate) struct Offenders {
    /// The most refused first.
    ranks: Vec<(Subject, u64)>,
    /// Where each stands in the ranks.
    places: HashMap<Subject, usize, RandomState>,
}

impl Offenders {
    /// Counts a refusal and returns how many there were, perhaps too high.
    pub(crate) fn count(&mut self, subject: &Subject) -> u64 {
        let place = match self.places.get(subject) {
            Some(place) => *place,
            None => self.admit(subject),
        };
        self.raise(place)
    }

    /// The subjects with their counts, most refused first.
    pub(crate) fn top(&self) -> Vec<(Subject, u64)> {
        self.ranks.clone()
    }

    /// Puts a newcomer last, in the place of whoever stands there once there are enough.
    fn admit(&mut self, subject: &Subject) -> usize {
        let mut count = 0;
        if self.ranks.len() >= PLACES
            && let Some((least, taken)) = self.ranks.pop()
        {
            self.places.remove(&least);
            count = taken;
        }
        let place = self.ranks.len();
        self.ranks.push((subject.clone(), count));
        self.places.insert(subject.clone(), place);
        place
    }

    /// Counts one more, after a move before all others of the same count so that the order holds.
    fn raise(&mut self, place: usize) -> u64 {
        let (_, count) = self.ranks[place];
        let first = self.ranks.partition_point(|(_, other)| *other > count);
        if first != place {
            self.ranks.swap(first, place);
            for moved in [place, first] {
                if let Some(place) = self.places.get_mut(&self.ranks[moved].0) {
                    *place = moved;
                }
            }
        }
        let (_, count) = &mut self.ranks[first];
        *count += 1;
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_one_who_is_refused_most_among_any_number() {
        let mut offenders = Offenders::default();
        let persistent = Subject::user("persistent");
        for n in 0..100_000 {
            offenders.count(&Subject::user(n.to_string()));
            if n % 50 == 0 {
                offenders.count(&persistent);
            }
        }
        let top = offenders.top();
        assert_eq!(top.len(), PLACES);
        let place = top.iter().find(|(subject, _)| *subject == persistent);
        assert!(place.is_some_and(|(_, count)| *count >= 2_000));
    }

    #[test]
    fn keeps_them_in_order() {
        let mut offenders = Offenders::default();
        for (name, times) in [("a", 2), ("b", 3), ("c", 1), ("d", 3)] {
            for n in 1..=times {
                assert_eq!(offenders.count(&Subject::user(name)), n);
            }
        }
        let counts: Vec<u64> = offenders.top().iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [3, 3, 2, 1]);
        assert_eq!(offenders.count(&Subject::user("c")), 2);
        assert_eq!(offenders.count(&Subject::user("a")), 3);
        assert_eq!(offenders.count(&Subject::user("a")), 4);
        assert_eq!(offenders.top()[0], (Subject::user("a"), 4));
    }
}
