//! Tests that need more than one crate: the example server over a real socket.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod caching;
mod conformance;
mod errors;
mod instances;
mod limits;
mod metrics;
mod monitoring;
mod operations;
mod operations_page;
mod security;
mod shared_answers;
mod shared_limits;
mod shared_switches;
