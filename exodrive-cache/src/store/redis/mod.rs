//! The store in Redis, shared by the instances of a service.

mod deferred;
mod fill;
mod filling;
#[cfg(test)]
mod interleavings;
mod invalidating;
mod journal;
mod keys;
mod lag;
mod link;
mod look_up;
mod record;
mod shape;
mod shared;
mod stamp;
mod store;

pub use self::fill::RedisFill;
pub(super) use self::journal::Journal;
pub use self::store::RedisStore;
