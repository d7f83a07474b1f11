//! Objects of an application under the promise that answers have.

#![cfg(feature = "objects")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod loading;
mod many;
mod overtaken;
mod support;
mod trouble;
