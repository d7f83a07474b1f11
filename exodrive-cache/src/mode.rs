//! Whether a policy is in force.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::percent::Percent;

/// How far a policy is in force. It can be changed at run time, with [`Cache::set_mode`](crate::Cache::set_mode).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever shows a mode has to know all of them"
)]
pub enum Mode {
    /// For every request.
    #[default]
    On,
    /// For none, as if the layer were not there: the handler sees the whole request, and nothing is added to its
    /// answer. Invalidations count all the same, so that nothing outdated is served later.
    Off,
    /// For this share of all keys, and always the same ones; for the others it is off.
    Percentage(Percent),
    /// For none, while it is tried out: every request is answered by the handler as if the layer were not there. A copy
    /// is kept apart from what is served in other modes, and each answer is compared with what would
    /// have been served; see [`Cache::accuracy`](crate::Cache::accuracy).
    Shadow,
}

/// A mode that can be changed while requests read it.
#[derive(Debug)]
pub(crate) struct ModeCell(AtomicU8);

/// Shares of keys are their own code.
const ON: u8 = 101;
const OFF: u8 = 102;
const SHADOW: u8 = 103;

impl Mode {
    /// Returns whether the policy is in force for the key with this digest, which only a share has to know.
    pub(crate) fn takes(self, digest: impl FnOnce() -> u128) -> bool {
        match self {
            Self::On | Self::Shadow => true,
            Self::Off => false,
            // The digest is as good as random.
            Self::Percentage(share) => digest() % 100 < u128::from(share.hundredths()),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On => f.write_str("on"),
            Self::Off => f.write_str("off"),
            Self::Percentage(share) => write!(f, "on for {share}"),
            Self::Shadow => f.write_str("shadow"),
        }
    }
}

impl ModeCell {
    pub(crate) fn new(mode: Mode) -> Self {
        let cell = Self(AtomicU8::new(ON));
        cell.set(mode);
        cell
    }

    // Nothing else is read by what a mode says, so no ordering is needed.
    pub(crate) fn current(&self) -> Mode {
        match self.0.load(Ordering::Relaxed) {
            OFF => Mode::Off,
            SHADOW => Mode::Shadow,
            share @ ..=100 => Mode::Percentage(Percent::new(share)),
            _ => Mode::On,
        }
    }

    pub(crate) fn set(&self, mode: Mode) {
        let code = match mode {
            Mode::On => ON,
            Mode::Off => OFF,
            Mode::Percentage(share) => share.hundredths(),
            Mode::Shadow => SHADOW,
        };
        self.0.store(code, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_it_was_set_to() {
        let cell = ModeCell::new(Mode::default());
        assert_eq!(cell.current(), Mode::On);
        let shares = [0, 1, 99, 100].map(|n| Mode::Percentage(Percent::new(n)));
        for mode in [Mode::Off, Mode::Shadow, Mode::On]
            .into_iter()
            .chain(shares)
        {
            cell.set(mode);
            assert_eq!(cell.current(), mode);
        }
    }

    #[test]
    fn takes_its_share_of_the_keys_and_more_of_them_as_it_grows() {
        let taken = |share: u8| {
            let mode = Mode::Percentage(Percent::new(share));
            (0..1000).filter(move |digest| mode.takes(|| *digest))
        };
        assert_eq!(taken(0).count(), 0);
        assert_eq!(taken(30).count(), 300);
        assert_eq!(taken(100).count(), 1000);
        let more: Vec<_> = taken(31).collect();
        assert!(taken(30).all(|digest| more.contains(&digest)));
    }
}
