//! The server as a whole: from a configuration to answered requests, and to a clean end.

mod connection;
mod error;
mod healthcheck;
mod running;
mod serving;
mod signal;
mod start;
mod storage;
#[cfg(test)]
mod tests;
mod welcome;

pub use self::error::StartError;
pub use self::healthcheck::{Unhealthy, healthcheck};
pub use self::running::{Drained, Running};
pub use self::signal::stop_signal;
pub use self::start::start;
