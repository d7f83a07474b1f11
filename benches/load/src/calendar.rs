//! The days that are booked and asked about, far beyond those of the generated bookings.

use std::ops::Range;

use exodrive_example_server::domain::{Period, Today};
use serde_json::{Value, json};

use crate::ledger::Slot;

const SLOTS: usize = 14;
const SLOT_DAYS: i64 = 2;
/// Generated bookings reach half as far. With all slots it stays within what a period can span.
const FIRST_DAY: i64 = 300;

/// Periods to book, and windows over them to ask about.
#[derive(Debug)]
pub(crate) struct Calendar {
    slots: Vec<Period>,
    windows: [Window; 3],
}

/// Days that are asked about; a slot lies inside or outside, never half.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    slots: Range<Slot>,
    period: Period,
}

impl Calendar {
    pub(crate) fn new(today: Today) -> Self {
        let day = |slot: usize| {
            let days = FIRST_DAY + SLOT_DAYS * slot as i64;
            Period::starting(today.date(), days).to()
        };
        let window = |slots: Range<Slot>| Window {
            period: Period::starting(day(slots.start), SLOT_DAYS * slots.len() as i64),
            slots,
        };
        Self {
            slots: (0..SLOTS)
                .map(|slot| Period::starting(day(slot), SLOT_DAYS))
                .collect(),
            windows: [
                window(0..SLOTS),
                window(0..SLOTS / 2),
                window(SLOTS / 2..SLOTS),
            ],
        }
    }

    pub(crate) fn windows(&self) -> &[Window] {
        &self.windows
    }

    pub(crate) fn period(&self, slot: Slot) -> Period {
        self.slots[slot]
    }

    /// Another one, so that an answer tells one booking of a car from the one before.
    pub(crate) fn after(&self, slot: Slot) -> Slot {
        (slot + 1) % self.slots.len()
    }

    /// Whether that is what an answer about the window says while this slot is booked.
    pub(crate) fn fits(&self, window: &Window, booked: Option<Slot>, answer: &Value) -> bool {
        let busy: Vec<Period> = booked
            .filter(|slot| window.slots.contains(slot))
            .map(|slot| self.period(slot))
            .into_iter()
            .collect();
        answer["available"] == busy.is_empty() && answer["busy"] == json!(busy)
    }
}

impl Window {
    pub(crate) fn period(&self) -> Period {
        self.period
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_booking_inside_the_window_from_one_outside() {
        let calendar = Calendar::new(Today::utc());
        let [whole, first, second] = calendar.windows() else {
            panic!("three windows");
        };
        let free = json!({ "available": true, "busy": [] });
        let busy = json!({ "available": false, "busy": [calendar.period(8)] });
        for (window, sees) in [(whole, true), (first, false), (second, true)] {
            assert!(calendar.fits(window, None, &free));
            assert_eq!(calendar.fits(window, Some(8), &busy), sees);
            assert_eq!(calendar.fits(window, Some(8), &free), !sees);
            assert!(!calendar.fits(window, Some(9), &busy));
        }
    }

    #[test]
    fn windows_hold_whole_slots() {
        let calendar = Calendar::new(Today::utc());
        for window in calendar.windows() {
            let inside = |slot: &Slot| calendar.period(*slot).overlaps(window.period());
            let slots: Vec<Slot> = (0..SLOTS).filter(inside).collect();
            assert_eq!(slots, window.slots.clone().collect::<Vec<_>>());
        }
    }
}
