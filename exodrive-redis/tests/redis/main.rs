//! The public interface against a real server, in health and under faults.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod calls;
#[cfg(feature = "cluster")]
mod cluster;
mod faults;
mod lifetime;
#[cfg(feature = "metrics")]
mod metrics;
mod network;
#[cfg(feature = "bb8")]
mod pool;
mod secrets;
#[cfg(feature = "sentinel")]
mod sentinel;
mod stream;
mod support;
#[cfg(feature = "tls-rustls")]
mod tls;
