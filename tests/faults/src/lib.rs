//! Servers for tests and a network that misbehaves: one of each per test, none of them shared.
//!
//! A [`Server`] is a `redis-server` process of the test, which can be killed, restarted, stalled and
//! resumed; [`Sentinels`] are three that watch a master and its replica, a [`Cluster`] is several
//! that share the slots. A [`Proxy`] stands between a client and any server and passes everything
//! on, until it is told a [`Fault`]. Everything ends when it is dropped. A [`postgres_database`] is
//! one of a server that ends with the process.
//!
//! Nothing here names a client, so every crate can test its own against it.

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a failed unwrap is a failed test"
)]

mod admin;
mod certificates;
mod cluster;
mod postgres;
mod proxy;
mod sentinels;
mod server;

use std::time::Duration;

pub use admin::Admin;
pub use certificates::Certificates;
pub use cluster::Cluster;
pub use postgres::postgres_database;
pub use proxy::Fault;
pub use proxy::Proxy;
pub use sentinels::Sentinels;
pub use server::Server;

/// Far beyond anything that happens, so that only a hang reaches it.
pub const PATIENCE: Duration = Duration::from_secs(30);
