//! Shares of a whole.

use std::fmt;

/// A whole number of hundredths, from 0 to 100.
///
/// ```
/// use exodrive_cache::Percent;
///
/// assert_eq!(Percent::new(25).to_string(), "25 %");
/// assert_eq!(Percent::new(250), Percent::new(100));
/// ```
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Percent(u8);

impl Percent {
    /// Makes a share; more than 100 is everything.
    #[must_use]
    pub const fn new(hundredths: u8) -> Self {
        if hundredths > 100 {
            return Self(100);
        }
        Self(hundredths)
    }

    /// Returns the number of hundredths.
    #[must_use]
    pub const fn hundredths(self) -> u8 {
        self.0
    }

    pub(crate) fn fraction(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}
