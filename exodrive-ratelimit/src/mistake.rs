//! What can be wrong with a limiter as it was written down.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// The limiter cannot be built; every reason at once.
#[derive(Debug)]
pub struct BuildError {
    mistakes: Vec<Mistake>,
}

impl BuildError {
    pub(crate) fn of(mistakes: Vec<Mistake>) -> Result<(), Self> {
        if mistakes.is_empty() {
            Ok(())
        } else {
            Err(Self { mistakes })
        }
    }

    /// All mistakes found, in the order of the limits; never empty.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rate limiter cannot be built: ")?;
        for (index, mistake) in self.mistakes.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            mistake.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildError {}

/// One thing wrong with a limiter.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Mistake {
    /// A limiter without limits would admit everything.
    #[error("it has no limits")]
    NoLimits,
    /// Names are sent to clients in quotation marks.
    #[error(
        "a limit's name must be 1 to 64 visible ASCII characters without `\"` and `\\`, not {0:?}"
    )]
    Name(String),
    /// Two limits of one name would share their counters.
    #[error("two limits are named `{0}`")]
    NameTaken(String),
    /// The numbers of a limit cannot be kept.
    #[error("limit `{name}`: {mistake}")]
    Rule {
        /// The limit's name.
        name: String,
        /// What is wrong with its numbers.
        mistake: RuleMistake,
    },
    /// The limit does not say whose requests it counts.
    #[error(
        "limit `{0}` counts nobody: say `by_ip`, `by_user`, `by_user_or_ip`, `by` or `by_subject`"
    )]
    NoSubject(String),
    /// The limit asks who is signed in, but the limiter has no way to know.
    #[error("limit `{0}` asks who is signed in: give the limiter an `identify`")]
    NotIdentified(String),
    /// What is spent of a lease is spent.
    #[error("limit `{0}` cannot be leased and settle by the response")]
    LeaseSettles(String),
    /// The numbers of the penalty cannot be kept.
    #[error("the penalty: {0}")]
    Penalty(RuleMistake),
    /// Each further ban would be shorter than the one before.
    #[error("the penalty must escalate by a factor of at least 1")]
    Escalation,
    /// Nobody would be left to share a limit.
    #[error("it has no instances: there is at least the one that asks")]
    NoInstances,
    /// Shorter prefixes lump whole providers together.
    #[error("IPv6 addresses can be counted by prefixes of 32 to 128 bits, not {0}")]
    Ipv6Prefix(u8),
}

/// What is wrong with a limit's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RuleMistake {
    /// A limit of nothing refuses everything.
    #[error("it admits nothing")]
    Zero,
    /// The period is outside of what can be counted.
    #[error("its period must lie between a millisecond and 366 days, not {0:?}")]
    Period(Duration),
    /// Burst times period, reduced, must stay below 2^53.
    #[error(
        "a burst of {burst} over {period:?} is too fine to count exactly: choose rounder numbers"
    )]
    TooFine {
        /// How much can be taken at once.
        burst: u32,
        /// The period of the quota.
        period: Duration,
    },
}
