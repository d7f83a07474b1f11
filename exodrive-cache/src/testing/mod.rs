//! Parts for tests: of what an application caches, and of stores.
//!
//! [`assert_hit`] and its like say why an answer is not what was expected, [`settled`] waits until what was answered is stored,
//! a [`ManualClock`] moves the time, and an [`Unreliable`] store fails on demand:
//!
//! ```
//! use std::convert::Infallible;
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use exodrive_cache::testing::{
//!     Fault, ManualClock, Operation, Unreliable, assert_hit, assert_miss, settled,
//! };
//! use exodrive_cache::{Cache, CachePolicy, MemoryStore};
//! use http::{HeaderMap, Request, Response};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = ManualClock::default();
//! let store = Unreliable::new(MemoryStore::default());
//! let cache = Cache::builder(store.clone())
//!     .clock(&clock)
//!     .policy("car", CachePolicy::ttl(Duration::from_secs(60)).route("/cars/{id}"))
//!     .build()?;
//! let service = cache.layer("car")?.layer(service_fn(
//!     async |_: Request<Full<Bytes>>| Ok::<_, Infallible>(Response::new(Full::from("a car"))),
//! ));
//! let ask = async || -> HeaderMap {
//!     let request = Request::get("/cars/7").body(Full::default()).unwrap();
//!     let answer = service.clone().oneshot(request).await.unwrap();
//!     settled(&cache).await;
//!     answer.into_parts().0.headers
//! };
//!
//! assert_miss(&ask().await);
//! assert_hit(&ask().await);
//! clock.advance(Duration::from_secs(60));
//! assert_miss(&ask().await);
//!
//! // A store that cannot be reached never changes an answer.
//! store.fault(Operation::Lookup, Fault::Fail);
//! assert_miss(&ask().await);
//! # Ok(())
//! # }
//! ```
//!
//! # For stores
//!
//! [`keeps_the_contract`] goes through what [`Store`](crate::Store) promises, behaviour by behaviour, and
//! [`agrees_with_the_model`] compares a store with a plain model over any number of random operations.
//!
//! ```
//! use exodrive_cache::MemoryStore;
//! use exodrive_cache::testing::{agrees_with_the_model, keeps_the_contract};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let store = MemoryStore::default();
//! keeps_the_contract(&store).await;
//! agrees_with_the_model(&store, 7, 1_000).await;
//! # }
//! ```

mod assertions;
mod clock;
mod comparison;
mod contract;
mod fills;
mod samples;
mod unreliable;

pub use assertions::{assert_bypass, assert_hit, assert_miss, assert_stale};
pub use clock::ManualClock;
pub use comparison::agrees_with_the_model;
pub use contract::keeps_the_contract;
pub use fills::{fills_under_way, settled};
pub use unreliable::{Fault, Operation, Unreliable};
