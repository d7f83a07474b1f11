//! Who is refused most, in bounded memory.

use std::collections::HashMap;

use crate::Subject;

/// How many subjects are counted.
const PLACES: usize = 128;

/// Counts by the Space-Saving algorithm (Metwally, Agrawal, El Abbadi 2005): a newcomer takes the place of whoever has
/// the smallest count, and that count with it. Whoever is refused more often than one in 128 times is always among them,
/// with a count that is never too low.
#[derive(Debug, Default)]
pub(crate) struct Offenders {
    counts: HashMap<Subject, u64>,
}

impl Offenders {
    /// Counts a refusal and returns how many there were, perhaps too high.
    pub(crate) fn count(&mut self, subject: &Subject) -> u64 {
        if let Some(count) = self.counts.get_mut(subject) {
            *count += 1;
            return *count;
        }
        let mut count = 1;
        if self.counts.len() >= PLACES
            && let Some((least, taken)) = self.counts.iter().min_by_key(|(_, count)| **count)
        {
            count += taken;
            let least = least.clone();
            self.counts.remove(&least);
        }
        self.counts.insert(subject.clone(), count);
        count
    }

    /// The subjects with their counts, most refused first.
    pub(crate) fn top(&self) -> Vec<(Subject, u64)> {
        let counts = self.counts.iter();
        let mut top: Vec<_> = counts
            .map(|(subject, count)| (subject.clone(), *count))
            .collect();
        top.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        top
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
}
