//! The store in this process's memory.

mod cell;
mod fingerprint;
mod rules;
mod shard;
mod store;
mod table;

pub(crate) use fingerprint::{Fingerprint, Fingerprints};
pub use store::MemoryStore;
