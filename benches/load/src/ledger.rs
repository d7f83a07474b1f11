//! What answers about a car may say, given what was booked and cancelled.

use std::ops::RangeInclusive;

/// One of the periods of a car that are booked and given free again.
pub(crate) type Slot = usize;

/// How the bookings of one car went, in the order in which they were asked for; one at a time.
///
/// An answer may show what was true at any moment between its question and its arrival. Nothing older: a change that
/// was completed before the question was sent has to be in it.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// What was booked before the first change, after it, and so on.
    states: Vec<Option<Slot>>,
    /// How many of the changes were answered; all but the last, at least.
    completed: usize,
}

/// How much was completed when a question was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked(usize);

impl Default for Ledger {
    fn default() -> Self {
        Self {
            states: vec![None],
            completed: 0,
        }
    }
}

impl Ledger {
    /// A change is about to be sent.
    pub(crate) fn begin(&mut self, booked: Option<Slot>) {
        self.states.push(booked);
    }

    /// The change begun last was answered with success.
    pub(crate) fn complete(&mut self) {
        self.completed = self.states.len() - 1;
    }

    /// A question is about to be sent.
    pub(crate) fn ask(&self) -> Asked {
        Asked(self.completed)
    }

    /// Whether what was true at some moment since the question fits the answer.
    pub(crate) fn allows(&self, asked: Asked, fits: impl Fn(Option<Slot>) -> bool) -> bool {
        self.states[self.possible(asked)]
            .iter()
            .any(|booked| fits(*booked))
    }

    fn possible(&self, Asked(completed): Asked) -> RangeInclusive<usize> {
        completed..=self.states.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(booked: Option<Slot>) -> impl Fn(Option<Slot>) -> bool {
        move |state| state == booked
    }

    #[test]
    fn an_answer_may_not_be_older_than_a_completed_booking() {
        let mut ledger = Ledger::default();
        ledger.begin(Some(3));
        ledger.complete();
        let asked = ledger.ask();
        assert!(!ledger.allows(asked, shows(None)));
        assert!(ledger.allows(asked, shows(Some(3))));
    }

    #[test]
    fn an_answer_may_or_may_not_show_a_change_that_is_under_way() {
        let mut ledger = Ledger::default();
        ledger.begin(Some(3));
        let asked = ledger.ask();
        assert!(ledger.allows(asked, shows(None)));
        assert!(ledger.allows(asked, shows(Some(3))));
        assert!(!ledger.allows(asked, shows(Some(4))));
    }

    #[test]
    fn an_answer_may_show_what_was_true_when_it_was_asked_for() {
        let mut ledger = Ledger::default();
        let asked = ledger.ask();
        ledger.begin(Some(3));
        ledger.complete();
        ledger.begin(None);
        ledger.complete();
        ledger.begin(Some(4));
        for booked in [None, Some(3), Some(4)] {
            assert!(ledger.allows(asked, shows(booked)), "{booked:?}");
        }
        assert!(!ledger.allows(ledger.ask(), shows(Some(3))));
    }
}
