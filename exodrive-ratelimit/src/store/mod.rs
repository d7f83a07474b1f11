//! Where usage is counted: the contract every store keeps, and the stores of this crate.

mod charge;
mod contract;
mod ledger;
mod memory;
mod receipt;
#[cfg(feature = "redis")]
mod redis;

pub use charge::{Charge, Verdict};
pub use contract::{Store, StoreError};
pub use ledger::Ledger;
pub use memory::MemoryStore;
pub(crate) use memory::{Fingerprint, LimitKeys};
pub use receipt::{Receipt, Settlement};
#[cfg(feature = "redis")]
pub use redis::RedisStore;

pub use crate::decision::Source;
pub use crate::reading::{Reading, Stamp};
