//! The layer around a service, seen from outside.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod applying;
mod failing;
mod passing;
mod support;
mod telling;
