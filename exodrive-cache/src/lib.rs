//! A response cache for tower HTTP services whose entries a domain event provably removes.
//!
//! Caching is opt-in, route by route. A policy says how long answers are kept and what they depend on;
//! rules say which tags an event of the application's domain makes outdated. Once an event is
//! published, no request is answered with anything made from older data: not from the store, and not
//! from a fill that was under way.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use exodrive_cache::{Cache, CachePolicy, Event, MemoryStore, tag};
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! struct CarUpdated {
//!     id: u64,
//! }
//!
//! impl Event for CarUpdated {
//!     const NAME: &'static str = "car.updated";
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cache = Cache::builder(MemoryStore::default())
//!     .policy(
//!         "car",
//!         CachePolicy::ttl(Duration::from_secs(1800))
//!             .route("/cars/{id}")
//!             .tag("car:{id}"),
//!     )
//!     .on(|event: &CarUpdated| [tag!("car:{}", event.id)])
//!     .build()?;
//!
//! let service = cache.layer("car")?.layer(service_fn(
//!     async |_: Request<Full<Bytes>>| Ok::<_, Infallible>(Response::new(Full::from("a car"))),
//! ));
//! let get = async || {
//!     let request = Request::get("/cars/7").body(Full::default()).unwrap();
//!     let response = service.clone().oneshot(request).await.unwrap();
//!     response.headers()["x-cache"].clone()
//! };
//!
//! assert_eq!(get().await, "MISS");
//! # tokio::task::yield_now().await;
//! assert_eq!(get().await, "HIT");
//! cache.publish(&CarUpdated { id: 7 }).await?;
//! assert_eq!(get().await, "MISS");
//! # Ok(())
//! # }
//! ```
//!
//! # How it decides
//!
//! 1. A request that may not use the cache goes to the handler: another method than GET or HEAD, a body,
//!    an upgrade, a path that is not the policy's route, several or disagreeing authorities, a huge
//!    query, credentials that the policy says nothing about ([`Bypass`]).
//! 2. The key is made of the policy, scheme, authority, raw path, keyed query parameters, keyed headers and the
//!    principal, each with its length. If the store has a fresh entry for it, that is the answer: all of it, the
//!    part that the client asks for, or a 304 if the client has it.
//! 3. A stale entry is served while it is replaced, or if replacing it fails, as far as the policy allows
//!    ([`CachePolicy::stale_while_revalidate`], [`CachePolicy::stale_if_error`]).
//! 4. Otherwise one request asks the handler, and equal ones wait for its answer ([`Outcome::Coalesced`]). The handler
//!    sees keyed inputs only, so nothing else can find its way into the stored answer. Where the last
//!    answer could not be stored, other than because the handler failed, requests do not wait for each other for the next
//!    30 seconds.
//!    Nobody waits for longer than [`CachePolicy::timeout`], and who has a stale answer to fall back upon no longer than
//!    [`CachePolicy::soft_timeout`].
//! 5. An answer is stored if its status is 200 and nothing in it speaks against it ([`Unstorable`]). Header
//!    fields that belong to one exchange are not stored.
//! 6. An entry carries the tags of its policy, the policy's name, and those that the handler added with
//!    [`ResponseTags`] or, while it ran, with [`CacheTerms`]. Invalidating one of them removes it, or makes it stale ([`Invalidation`]); a fill that was
//!    opened before an invalidation is not served after it, and no later request gets its answer.
//!
//! Answers carry `X-Cache` (`HIT`, `STALE`, `MISS` or `BYPASS`) and `Cache-Status` (RFC 9211), those from the store `Age`, and
//! all of them a [`CacheDecision`] in their extensions.
//!
//! # Objects
//!
//! With the feature `objects`, what handlers compute answers from can be cached, too: [`ObjectCache`] keeps typed objects in the same
//! store, under the same tags and the same promise, and loads what is missing once.
//!
//! # Rolling out
//!
//! Each policy has a [`Mode`] that can be switched while the service runs: off, on, on for a share of the keys, or in shadow,
//! where every request is answered by the handler and [`Cache::accuracy`] tells how often the cache would have given the
//! same answer.
//!
//! [`Cache::graph`] draws the way from events over tags to policies, and finds what is probably forgotten.
//! [`Cache::explain`] says in plain language what would become of a request.
//!
//! # In front of a service that speaks HTTP caching
//!
//! [`CachePolicy::rfc9111`] makes a shared cache as RFC 9111 describes it: the answer's own header decides (with
//! RFC 9213's `CDN-Cache-Control` and RFC 5861's directives), `Vary` tells up to 16 variants of a key apart, stale
//! answers are revalidated, request directives count, and unsafe methods invalidate their target. The
//! example `cache_tests_proxy` puts it behind a server, for the public HTTP cache tests.
//!
//! # When the store fails
//!
//! The request is answered by the handler, and the answer is not stored. A failing store never changes
//! an answer. Requests for one key still share one call of the handler, unless something was
//! invalidated in this process meanwhile; what other processes invalidate cannot be seen then. [`CachePolicy::max_calls`]
//! bounds what an outage of the store sends to the handler.
//!
//! With the feature `redis`, an invalidation that cannot reach the server is [deferred](Invalidated::Deferred): it holds for this
//! instance at once, and for the others before this one reads from the server again.
//!
//! # Several instances
//!
//! [`RedisStore`] keeps entries where all instances of a service share them, and [`TieredStore`] puts a memory in front of it that
//! follows the invalidations of the others. The promise is the same, and holds whatever happens to the server's keys: a
//! search over every order of steps, evictions, failures and failovers, in the crate's own tests, finds no stale
//! answer, and finds each of 15 mistakes that one could make.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `axum` | axum's `OriginalUri`, which handlers can read besides the request, keeps keyed parameters only |
//! | `json` | events that come as data, as `serde_json` values |
//! | `lz4` | [`RedisStore::compress_from`], with which long bodies are shorter in Redis |
//! | `metrics` | requests by policy and outcome, fill times, bytes stored, comparisons, invalidations, evictions and the lag of the journal, for the `metrics` recorder that is installed when the cache is built |
//! | `objects` | [`ObjectCache`], typed objects of the application under the same promise |
//! | `redis` | [`RedisStore`], which the instances of a service share, and [`TieredStore`], which keeps a memory in front of it |
//! | `testing` | a clock, assertions and a failing store for tests of what is cached, and the suite that every [`Store`] must pass |
//!
//! # Not included
//!
//! Client-side caching of requests to other services, parts as entries of their own (206 answers are not
//! stored), and a purge over HTTP: invalidation is a call in the application's own code.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod accuracy;
mod admission;
mod body;
mod builder;
mod cache;
mod cache_control;
mod chance;
mod client;
mod clock;
mod conditional;
mod credentials;
mod date;
mod decision;
mod early_refresh;
mod entity_tag;
mod entry;
mod error;
mod events;
mod explain;
mod fetch;
mod fields;
mod fill;
mod filled;
mod filling;
mod flight;
mod freshness;
mod future;
mod graph;
mod groups;
mod hit_for_miss;
mod hop_by_hop;
#[cfg(feature = "json")]
mod json;
mod key;
mod keyed_inputs;
mod layer;
mod limits;
#[cfg(feature = "metrics")]
mod meters;
mod mode;
#[cfg(feature = "objects")]
mod objects;
mod origin;
mod patience;
mod percent;
mod policy;
mod pump;
mod purge;
mod question;
mod range;
mod reason;
mod registry;
mod reuse;
mod route;
mod route_policy;
#[cfg(test)]
mod samples;
mod schedule;
mod seconds;
mod serve;
mod service;
mod shadow;
mod shared;
mod sole;
mod storability;
mod store;
mod tag_template;
mod tags;
mod target;
mod terms;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod vary;

pub use self::accuracy::Accuracy;
pub use self::body::{BodyError, ResponseBody};
pub use self::builder::CacheBuilder;
pub use self::cache::Cache;
pub use self::credentials::Credentials;
pub use self::decision::{CacheDecision, Outcome};
pub use self::entry::{DecodeError, DecodeErrorKind, Entry};
pub use self::error::{
    BuildError, PublishError, PublishErrorKind, PurgeError, PurgeErrorKind, StoreError,
    UnknownPolicy,
};
pub use self::events::{Events, Published};
pub use self::explain::Explanation;
pub use self::future::ResponseFuture;
pub use self::graph::{Graph, Lint};
pub use self::key::CacheKey;
pub use self::layer::CacheLayer;
pub use self::mode::Mode;
#[cfg(feature = "objects")]
#[cfg_attr(docsrs, doc(cfg(feature = "objects")))]
pub use self::objects::{
    LoadError, LoadErrorKind, Object, ObjectCache, ObjectFill, ObjectId, ObjectPolicy,
    UnknownObjects,
};
pub use self::origin::{Origin, SetCookie};
pub use self::percent::Percent;
pub use self::policy::CachePolicy;
pub use self::reason::{Bypass, StaleReason, Unanswered, Unstorable};
pub use self::registry::Event;
pub use self::service::CacheService;
pub use self::store::{
    Commit, Found, Invalidated, Invalidation, MemoryFill, MemoryStore, Opened, Opening, Release,
    Store, Turn,
};
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub use self::store::{RedisFill, RedisStore, TieredStore};
pub use self::tags::{ResponseTags, Tag};
pub use self::terms::CacheTerms;

#[cfg(all(doctest, feature = "redis"))]
#[doc = include_str!("../README.md")]
struct Readme;
