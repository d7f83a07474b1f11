//! How often a policy in shadow would have served the right answer.

use std::sync::atomic::{AtomicU64, Ordering};

/// How the answers of the handler compared with those that would have been served, since the cache was made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Accuracy {
    /// How many had the same status and the same body.
    pub same: u64,
    /// How many had another one: an event, a tag or a keyed input is missing.
    pub different: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Comparisons {
    same: AtomicU64,
    different: AtomicU64,
}

impl Accuracy {
    /// Returns the share of answers that were the same, from 0 to 1, or `None` if none was compared.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let all = self.same + self.different;
        (all > 0).then(|| self.same as f64 / all as f64)
    }
}

impl Comparisons {
    pub(crate) fn add(&self, is_same: bool) {
        let count = if is_same { &self.same } else { &self.different };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn so_far(&self) -> Accuracy {
        Accuracy {
            same: self.same.load(Ordering::Relaxed),
            different: self.different.load(Ordering::Relaxed),
        }
    }
}
