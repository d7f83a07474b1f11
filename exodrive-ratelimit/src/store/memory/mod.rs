//! The store in this process's memory.

mod cell;
mod fingerprint;
mod rules;
mod shard;
mod store;
mod table;

pub(crate) use fingerprint::{Fingerprint, LimitKeys};
pub use store::MemoryStore;
