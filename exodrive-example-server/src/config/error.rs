use std::error::Error;
use std::fmt;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::seed::Seed;

/// Why there is no configuration to start with.
#[derive(Debug)]
pub struct ConfigError {
    kind: ConfigErrorKind,
    text: String,
}

/// What to do about a [`ConfigError`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// The help or the version was asked for: show the text and be done.
    Asked,
    /// A value is wrong: the text is one line that names it and says what to write instead.
    Wrong,
}

impl ConfigError {
    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> ConfigErrorKind {
        self.kind
    }

    pub(super) fn too_many_bookings(cars: u32, bookings: u32) -> Self {
        let most = Seed::MAX_BOOKINGS_PER_CAR;
        Self::wrong(format!(
            "--bookings <BOOKINGS>: {bookings} is more than {most} for each of {cars} cars; \
             raise --cars or lower --bookings"
        ))
    }

    fn wrong(text: String) -> Self {
        Self {
            kind: ConfigErrorKind::Wrong,
            text,
        }
    }
}

impl From<clap::Error> for ConfigError {
    fn from(error: clap::Error) -> Self {
        if !error.use_stderr() {
            return Self {
                kind: ConfigErrorKind::Asked,
                text: error.render().to_string(),
            };
        }
        // A reason of our own says what to write and never repeats a secret, so it stands alone; clap's reasons
        // come with the value.
        if error.kind() == ErrorKind::ValueValidation
            && let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg)
            && let Some(reason) = error.source()
        {
            return Self::wrong(format!("{argument}: {reason}"));
        }
        // The first paragraph is the error; usage and a pointer to the help follow it.
        let rendered = error.render().to_string();
        let paragraph = rendered.lines().take_while(|line| !line.trim().is_empty());
        let line: Vec<&str> = paragraph.map(str::trim).collect();
        let line = line.join(" ");
        let line = line.strip_prefix("error: ").unwrap_or(&line);
        Self::wrong(format!("{line}; --help lists every option"))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for ConfigError {}
