//! The stores in Redis against real servers, whose user may do no more than is documented.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod chaos;
mod cluster;
mod cost;
mod faults;
mod histories;
mod instance;
#[cfg(feature = "objects")]
mod objects;
mod rows;
mod store;
mod support;
mod tiered;
