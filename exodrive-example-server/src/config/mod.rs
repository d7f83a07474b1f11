//! What can be set, by flag or by environment variable, and what is said when it is set wrongly.

mod database;
mod error;
mod options;
mod parse;
mod proxies;
mod redis;
#[cfg(test)]
mod tests;

pub use self::database::DatabaseUrl;
pub use self::error::{ConfigError, ConfigErrorKind};
pub use self::options::{Command, Config, LogFormat};
pub use self::proxies::TrustedProxies;
pub use self::redis::{Password, RedisUrl};
