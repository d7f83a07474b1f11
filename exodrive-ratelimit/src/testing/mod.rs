//! The test suite that every store must pass, and a store that fails.
//!
//! [`keeps_the_contract`] goes through what [`Store`](crate::Store) promises, behaviour by behaviour, and
//! [`agrees_with_the_model`] compares a store with a plain model over any number of random operations, expecting every
//! answer to be equal to the microsecond.
//! Both need a store whose time they can move: see [`TestClock`].
//! [`decide_alike`] compares two stores that tell the time by a [`ManualClock`], which may also step back.
//! [`Unreliable`] fails on demand, for tests of what a service does then.
//!
//! ```
//! use std::time::Duration;
//!
//! use exodrive_ratelimit::MemoryStore;
//! use exodrive_ratelimit::testing::{TestClock, agrees_with_the_model, keeps_the_contract};
//! use tokio::time::{Instant, advance};
//!
//! struct Paused(Instant);
//!
//! impl TestClock for Paused {
//!     fn now(&self) -> Duration {
//!         self.0.elapsed()
//!     }
//!
//!     async fn advance(&self, by: Duration) {
//!         advance(by).await;
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let store = MemoryStore::default();
//! let clock = Paused(Instant::now());
//! keeps_the_contract(&store, &clock).await;
//! agrees_with_the_model(&store, &clock, 7, 1_000).await;
//! # }
//! ```

mod clock;
mod comparison;
mod contract;
mod model;
mod random;
mod twins;
mod unreliable;

pub use clock::{ManualClock, TestClock};
pub use comparison::agrees_with_the_model;
pub use contract::keeps_the_contract;
pub use twins::decide_alike;
pub use unreliable::Unreliable;
