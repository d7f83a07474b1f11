//! What a limit does with what it finds.

use std::fmt;

/// What a limit does, as it can be changed while the service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// It refuses what it has no room for.
    Enforce,
    /// It is decided, charged and reported, but refuses nothing and is not told to clients.
    Shadow,
    /// It does not apply.
    Off,
}

impl Mode {
    /// The mode as a word: `enforce`, `shadow` or `off`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Shadow => "shadow",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
