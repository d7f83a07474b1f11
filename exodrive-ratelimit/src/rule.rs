//! The two ways of counting, behind one face.

use std::fmt::Debug;
use std::time::Duration;

use crate::gcra::Gcra;
use crate::reading::Stamp;
use crate::window::Window;

/// How a limit counts, in the integers that stores compute with.
///
/// Two stores given the same rule, the same charges and the same times must decide the same, to the microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// Never more than so many in any window.
    Window(Window),
    /// A steady rate with a burst.
    Gcra(Gcra),
}

impl Rule {
    /// The most that can be taken at once by a client at rest.
    pub fn max(&self) -> u32 {
        match self {
            Self::Window(window) => window.max(),
            Self::Gcra(gcra) => gcra.burst(),
        }
    }

    /// One of so many parts of what the rule admits; all parts together admit at least as much.
    #[must_use]
    pub(crate) fn share(self, of: u32) -> Self {
        match self {
            Self::Window(window) => Self::Window(window.share(of)),
            Self::Gcra(gcra) => Self::Gcra(gcra.share(of)),
        }
    }

    /// The time in which [`max`](Self::max) comes back once it is used up.
    pub fn window(&self) -> Duration {
        match self {
            Self::Window(window) => window.length(),
            Self::Gcra(gcra) => gcra.time_to_refill(),
        }
    }
}

/// What a rule remembers about one subject, and the arithmetic on it.
///
/// Times are microseconds of the store's clock, lengths of time microseconds.
/// Except for [`seen_at`](Self::seen_at) and [`carried`](Self::carried), every method takes a tally that is up to date.
pub(crate) trait Tally: Copy + Debug {
    type Rule: Copy + PartialEq + Debug;

    /// The tally of a subject that has not been seen.
    fn empty(rule: &Self::Rule, now: u64) -> Self;

    /// The tally as it stands at `now`.
    ///
    /// A clock that stepped back is believed: what was counted stays counted and starts to leave from `now`.
    #[must_use]
    fn seen_at(self, rule: &Self::Rule, now: u64) -> Self;

    /// The tally under a new rule, its usage kept.
    #[must_use]
    fn carried(self, from: &Self::Rule, to: &Self::Rule, now: u64) -> Self;

    /// Whether a subject with this tally is no different from one never seen.
    fn is_empty(&self) -> bool;

    /// Whether `cost` more can be taken now. Nothing at all can always be taken.
    fn fits(&self, rule: &Self::Rule, cost: u32) -> bool;

    /// Takes `cost`, whether it fits or not.
    fn charge(&mut self, rule: &Self::Rule, cost: u32);

    /// Gives back `cost` as far as it still counts, given the stamp of its charge.
    fn refund(&mut self, rule: &Self::Rule, cost: u32, stamp: Stamp);

    /// What can be taken now.
    fn remaining(&self, rule: &Self::Rule) -> u32;

    /// After how long `cost` fits if nobody else takes anything; `None` if it never does.
    fn retry_after(&self, rule: &Self::Rule, cost: u32) -> Option<u64>;

    /// After how long nothing counts any more.
    fn reset_after(&self, rule: &Self::Rule) -> u64;

    /// What a refund needs to know of a charge just made.
    fn stamp(&self) -> Stamp;
}
