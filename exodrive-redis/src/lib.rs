//! A Redis handle for request paths: no call waits longer than its deadline, reconnection happens elsewhere.
//!
//! A service that asks Redis on every request inherits its Redis client's worst habits: waiting for
//! a reconnect, for a place in a pool, for a server that has stopped. A [`RedisClient`] has none of
//! them. A call takes a live connection without waiting, or fails at once; it has its reply within
//! the deadline, or fails then; and after a handful of failures no call is sent to a server that
//! does not answer, until a background task has seen it answer. What a caller does without Redis is
//! the caller's business: an [`Error`] says which of five things happened.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//!
//! use exodrive_redis::Command;
//! use exodrive_redis::ErrorKind;
//! use exodrive_redis::RedisClient;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), exodrive_redis::BuildError> {
//! // Nothing listens here, which is no reason not to start.
//! let redis = RedisClient::builder("redis://127.0.0.1:1")
//!     .deadline(Duration::from_millis(25))
//!     .build()?;
//!
//! let fleet = redis.query::<Option<Vec<u8>>>(&Command::new("GET").arg("fleet")).await;
//! assert_eq!(fleet.unwrap_err().kind(), ErrorKind::Unavailable);
//! assert!(!redis.health().is_connected());
//! # Ok(())
//! # }
//! ```
//!
//! [`RedisClient::query`] sends one [`Command`], [`RedisClient::pipeline`] several in one write, and
//! [`RedisClient::invoke`] calls a [`Script`]. Replies are read as any type that is [`FromReply`].
//! [`RedisClient::read_stream`] follows a stream on a connection of its own, and reports each gap.
//!
//! # How it decides
//!
//! 1. While the *breaker* is open, or while there is no connection, a call fails with
//!    [`ErrorKind::Unavailable`]. When as many calls as allowed are in flight (1,024), one more fails
//!    with [`ErrorKind::Overloaded`]. Neither has sent anything.
//! 2. A call that has no reply at its *deadline* (50 ms) fails with [`ErrorKind::Timeout`]. The
//!    command may have been executed, or be executed when a stalled server wakes.
//! 3. Nothing is ever sent twice, with one exception: a script the server does not know is sent
//!    along with another call of it, at most twice. A refusal of that kind executed nothing.
//! 4. The breaker opens on 5 failures in a row, and when half of 20 or more calls failed within a
//!    second, counted from a failure on. A failure is a timeout, a lost connection, a malformed
//!    reply, or an answer by which the server says that it does not serve: `BUSY`, `CLUSTERDOWN`,
//!    `LOADING` and those of rule 6. Any other error of a command or script is about that command
//!    and counts as an answer; a call whose future is dropped counts as nothing.
//! 5. While the breaker is open, a background task probes the server after 200 ms, 400 ms, … 5 s,
//!    each drawn evenly from zero to that bound, on every connection, and closes the breaker once one
//!    gives a good answer within the deadline. No request is ever the probe.
//! 6. A connection is given up when it is lost, malformed, has run out of time 5 times in a row or
//!    on a probe; all of them on `MASTERDOWN`, `NOAUTH`, `READONLY` and `WRONGPASS`, which say that
//!    this server is no longer the one to ask or that the login is no longer right. `NOPERM` is the
//!    mistake of one caller, and no reason.
//! 7. A connection given up is replaced in the background, at first after up to 50 ms, then 100 ms,
//!    … 2 s, drawn as above, for ever and whatever the error. It takes up calls once the server has
//!    answered `PING`, a script that does nothing, and `ROLE` with anything but a replica. That also
//!    closes the breaker.
//!
//! # How connections are kept
//!
//! A connection is multiplexed: callers share it, so there is nothing to check out and nothing to
//! wait for; taking one is an atomic load. What they send at the same time leaves in one write: the
//! connection gives the other tasks a turn before it writes, instead of waiting for the network as
//! Nagle's algorithm would. Measured side by side with one connection of the `redis` crate, 64 and
//! 256 callers made 1.1 to 1.3 times as many calls of a trivial script and of `GET` of 1 KiB.
//!
//! A pool such as `bb8-redis` is deliberately not on this path. By default it sends a `PING` before
//! each call, and each caller holds a connection instead of sharing one. With the `PING` turned off
//! it hands out dead connections until they are of age, and while the server is gone a caller waits
//! for one up to 30 s. A service that has such a pool can still lend its connections to the handle,
//! with the feature `bb8`.
//!
//! # In a cluster
//!
//! With the feature `cluster`, each server of a Redis Cluster has connections, a breaker and a cap
//! on calls in flight of its own, so one that is gone or has stalled costs the calls for its keys and
//! no others. A call goes to the server of its key. Where that answers `MOVED`, `ASK` or `TRYAGAIN`,
//! which executes nothing, the call is sent on, up to 5 times and within its one deadline, and the
//! handle finds out in the background which server has which slots by now. It also does so while a
//! server is gone, and every 10 s.
//!
//! A script and a pipeline are about the keys of one slot, which a hash tag such as `{car:7}` sees
//! to; any other is refused with `CROSSSLOT`, a pipeline before it is sent. While a slot is on the
//! move, Redis refuses scripts and commands on several of its keys that are not yet there, until the
//! move is over. A command without a key goes to any one server. The handle is connected when
//! every slot has a server and calls to all of these go through.
//!
//! # When Redis fails
//!
//! [`RedisClient::health`] says whether calls go through, since when, and what the last error was;
//! [`RedisClient::watch`] tells each change. Each change between connected and degraded is one
//! `tracing` event, at level info or warn, never one for each failed call.
//! [`RedisClient::require`] is for a service that would rather not start degraded. No error, event
//! or `Debug` output contains a credential or an argument.
//!
//! # Server
//!
//! Redis 7.0 or later, or Valkey, speaking RESP3. The handle itself needs the permissions
//! `+auth +evalsha +hello +ping +role +script|load +select`, and what the commands and scripts of
//! its users need; a script runs under the permissions of its caller. A reader of a stream needs
//! `+xrange +xread +xrevrange` besides, and a handle to a cluster
//! `+asking +cluster|info +cluster|slots`.
//!
//! # Features
//!
//! None is on by default.
//!
//! | feature | adds |
//! |---|---|
//! | `bb8` | a handle over a `bb8` pool that the service has |
//! | `cluster` | the servers of a Redis Cluster, each with its own breaker |
//! | `metrics` | calls by outcome, their times, calls in flight, connections and the breaker, for the `metrics` recorder that is installed when the handle is built |
//! | `sentinel` | a master that is looked up through Redis Sentinel for each connection |
//! | `tls-rustls` | `rediss://` URLs, with rustls and its ring provider |
//!
//! # Not included
//!
//! Reading from replicas; client certificates; blocking commands other than reading a stream, subscriptions
//! and transactions, which need a connection of their own; retries, which are not safe for commands
//! that count.

mod backoff;
#[cfg(feature = "bb8")]
pub mod bb8;
mod breaker;
mod build_error;
mod builder;
mod client;
#[cfg(feature = "cluster")]
mod cluster;
mod coalesce;
mod command;
mod connector;
mod error;
mod health;
mod in_flight;
mod link;
#[cfg(feature = "metrics")]
mod meters;
mod node;
mod probe;
#[cfg(any(feature = "cluster", feature = "sentinel"))]
mod race;
mod reply;
mod request;
mod script;
#[cfg(feature = "sentinel")]
mod sentinel;
mod servers;
mod shared;
mod socket;
mod stream;
mod sync;
mod tasks;
#[cfg(feature = "tls-rustls")]
mod tls;

pub use build_error::BuildError;
pub use build_error::Mistake;
pub use builder::RedisClientBuilder;
pub use client::RedisClient;
pub use command::Argument;
pub use command::Command;
pub use error::Error;
pub use error::ErrorKind;
pub use health::Health;
pub use health::Status;
pub use reply::FromReply;
pub use reply::Reply;
pub use script::Invocation;
pub use script::Script;
pub use stream::StreamEntry;
pub use stream::StreamEvent;
pub use stream::StreamReader;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
