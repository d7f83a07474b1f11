//! Several quotas of a tower HTTP service decided all or nothing, fair to each client.
//!
//! A [`RateLimiter`] holds the [`Limit`]s of a service and the [`Store`] they are counted in; a [`RateLimitLayer`] applies it.
//! All limits that apply to a request are decided together: either every one of them has room and is charged, or the
//! request is refused and none is. Every response tells the client where it stands, and a refusal says when to come back,
//! to the second and truthfully.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use exodrive_ratelimit::{HOUR, Limit, MINUTE, MemoryStore, Peer, RateLimitLayer, RateLimiter, Subject};
//! use http::{Method, Request, Response, StatusCode};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! /// Who is signed in, as the authentication leaves it in the request.
//! #[derive(Clone)]
//! struct User(String);
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let limiter = RateLimiter::builder(MemoryStore::default())
//!     .identify(|request| request.extensions.get().map(|User(id)| Subject::user(id)))
//!     .limit(Limit::sliding_window("public", 60, MINUTE).by_ip().unless_authenticated())
//!     .limit(Limit::sliding_window("authenticated", 120, MINUTE).by_user())
//!     .limit(
//!         Limit::sliding_window("booking", 1, HOUR)
//!             .by_user_or_ip()
//!             .on(|request| request.method == Method::POST)
//!             .settle(|response| u32::from(response.status.is_success())),
//!     )
//!     .build()?;
//!
//! let serve = service_fn(|_: Request<String>| async { Ok::<_, Infallible>(Response::new(String::new())) });
//! let service = RateLimitLayer::new(limiter).layer(serve);
//!
//! let book = || {
//!     let request = Request::post("/bookings").extension(User("ada".to_owned()));
//!     request.extension(Peer(([192, 0, 2, 1], 4711).into())).body(String::new())
//! };
//! let booked = service.clone().oneshot(book()?).await?;
//! assert_eq!(booked.status(), StatusCode::OK);
//! assert_eq!(booked.headers()["ratelimit-policy"], r#""authenticated";q=120;w=60, "booking";q=1;w=3600"#);
//!
//! let refused = service.oneshot(book()?).await?;
//! assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
//! assert!(refused.headers().contains_key("retry-after"));
//! # Ok(())
//! # }
//! ```
//!
//! # How it decides
//!
//! 1. The limits that apply are found: those whose conditions ([`on`](Limit::on),
//!    [`unless_authenticated`](Limit::unless_authenticated)) hold and whose [`Subject`] the request names. If there is none,
//!    the request passes untouched.
//! 2. The store measures all of them at one time of its own clock. If each has room for its cost, all are charged; if one
//!    has none, nothing is charged, so a client that keeps trying does not lock itself out. [Shadow](Limit::shadow) limits
//!    are measured and charged like the others but refuse nothing.
//!    While there can be no room for it, the refusal is repeated without asking a store that has to be waited for: at most
//!    for five seconds, and for 100 ms if the limit settles or the refusal was one of [`RateLimiter::check`]. That is the
//!    longest that room made elsewhere goes unheeded; room made here by a [`Permit`] or an order is heeded at once.
//! 3. A refused request never reaches the service inside. It gets 429, or what
//!    [`with_refusal`](RateLimitLayer::with_refusal) makes of it, with `Retry-After` and `cache-control: no-store`, and a
//!    [`RateLimited`] in the response's extensions for middleware further out.
//! 4. An admitted request is served, and a limit that [settles](Limit::settle) corrects its charge by the response. A
//!    request that ends without one, because the service failed or panicked or the client left, keeps its charge.
//! 5. The response gets the headers of [`HeaderStyle`] and the [`Decision`] as an extension. A limiter further out merges
//!    that with its own, so that clients hear of all their limits at once.
//!
//! # What a limit promises
//!
//! | | at once | in any window | in the long run | waits |
//! |---|---|---|---|---|
//! | [`Limit::sliding_window`]`(name, n, w)` | `n` | never more than `n` | at least `n` in 1.1 `w` | exact |
//! | [`Limit::gcra`]`(name, `[`Quota`]`)` | the burst | the burst and the rate | the rate | exact |
//!
//! All arithmetic is in integers, to the microsecond: stores differ in where they count, never in what they decide.
//!
//! # Who is counted
//!
//! An address is the peer of the connection, from the extension [`Peer`] or, with feature `axum`, from `ConnectInfo`.
//! Forwarding headers are read only if [`ClientIp::trusted_proxies`] names the proxies that write them. A request without
//! a peer is a mistake in the setup: all such requests are counted as one client, and it is logged once.
//!
//! Where a limiter stands decides what it knows: one by address goes before authentication, one by user after it. CORS
//! goes outside of both, so that browsers can read refusals. What makes responses of panics goes inside of both, or
//! those carry no headers and settle nothing.
//!
//! # While it runs
//!
//! Through [`RateLimiter::control`] operators ban clients, let them through or keep them out by address, network or name,
//! give limits another size for somebody, make them watch only, switch them or everything off, look at what somebody has
//! used and give it back. Every such order may have an end, and all limiters on one store obey it: in memory at once, on
//! Redis from the request after the next answer, since each answer says whether there is anything new. A [`Penalty`]
//! bans by itself who goes on after refusals. Requests of the banned get 429 and `Retry-After`, those of the denied 403.
//!
//! # When the store fails
//!
//! [`MemoryStore`] never does. For others each limit says what holds meanwhile, by [`OnStoreError`]: this instance
//! decides by its share of the limit, the default; or requests are refused with 503 and `Retry-After`; or they pass.
//! A share is counted all the time, whoever decides, so that a store that comes and goes opens nothing: `n`
//! [`instances`](Builder::instances) admit at most the limit and `n` shares in any window, and what they admitted by
//! themselves is charged to the store when it is back. A failed call is not repeated, since it may have charged. The
//! first failure and the recovery are logged, not every failure between them. Orders that are known hold on, and end when
//! they should; strikes are not counted meanwhile.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `axum` | the peer's address from `axum::extract::ConnectInfo` |
//! | `metrics` | decisions by limit, outcome and source, times and failures of the store, bans and overflow of the memory store, for the `metrics` recorder that is installed when the limiter is built; the breaker is among the metrics of `exodrive-redis` |
//! | `redis` | [`RedisStore`]: limits shared by all instances of a service |
//! | `testing` | [`testing`]: the suite that every store must pass |
//!
//! # Not included
//!
//! Limits on how many requests are served at the same time: `tower::limit` has them. Waiting for room: a refusal says how
//! long that takes. Bodies of refusals beyond an empty one.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod client_ip;
mod control;
mod decision;
mod forwarded;
mod future;
mod gcra;
mod headers;
mod layer;
mod lease;
mod limit;
mod limiter;
#[cfg(feature = "metrics")]
mod meters;
mod mistake;
mod quota;
mod reading;
mod refusal;
mod rule;
mod service;
pub mod store;
mod subject;
mod terms;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod window;
mod written;

pub use client_ip::{ClientIp, Peer};
pub use control::{Control, Entry, EntryKind, Event, EventKind, Mode, Override, Penalty, Whom};
pub use decision::{Decision, LimitState, Outcome};
pub use future::ResponseFuture;
pub use gcra::Gcra;
pub use headers::{HeaderStyle, ResetFormat};
pub use ipnet::IpNet;
pub use layer::RateLimitLayer;
pub use limit::{Limit, OnStoreError};
pub use limiter::{Builder, Permit, RateLimiter};
pub use mistake::{BuildError, Mistake, RuleMistake};
pub use quota::Quota;
pub use refusal::{EmptyRefusal, RateLimited, ResponseForRefusal};
pub use rule::Rule;
pub use service::RateLimit;
#[cfg(feature = "redis")]
pub use store::RedisStore;
pub use store::{MemoryStore, Store, StoreError};
pub use subject::Subject;
pub use time::{DAY, HOUR, MINUTE};
pub use window::Window;

#[cfg(all(doctest, feature = "axum", feature = "redis"))]
#[doc = include_str!("../README.md")]
struct Readme;
