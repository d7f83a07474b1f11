//! The store in Redis, shared by the instances of a service.

mod clock;
mod groups;
mod key;
mod ledger;
mod scripts;
mod store;

pub(super) use ledger::RedisLedger;
pub use store::RedisStore;
