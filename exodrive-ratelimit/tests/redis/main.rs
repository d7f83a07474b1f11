//! The store in Redis, on servers of its own.

#![cfg(feature = "redis")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod contract;
mod control;
mod fault_rows;
mod faults;
mod instances;
mod keys;
mod leases;
mod load;
mod slots;
mod support;
mod topologies;
mod trial;
