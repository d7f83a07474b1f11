//! The store in Redis, shared by the instances of a service.

mod key;
mod scripts;
mod store;

pub use store::RedisStore;
