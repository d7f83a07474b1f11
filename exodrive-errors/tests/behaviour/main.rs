//! What users of the crate see, through its public API and real layers.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[cfg(feature = "axum")]
mod axum;
mod canary;
mod client;
#[cfg(feature = "testing")]
mod conformance;
mod log;
mod nested;
mod readiness;
mod situations;
mod streaming;
mod support;
mod third_party;
mod trace_id;
