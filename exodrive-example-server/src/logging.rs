//! Where log lines go.

use std::io::{self, IsTerminal};

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, fmt};

use crate::config::{Config, LogFormat};

/// Sends log lines to standard error, in the format and from the places the configuration says.
///
/// # Errors
///
/// If something else in this process takes the log lines already.
pub fn start(config: &Config) -> Result<(), TryInitError> {
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match config.log_format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    registry()
        .with(lines.with_filter(config.log_filter.clone()))
        .try_init()
}
