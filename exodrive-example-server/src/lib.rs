//! A car-rental API that composes the Exodrive crates.
//!
//! [`server::start`] turns a [`config::Config`] into a running server.
//! Inside it, [`stack`] puts the layers around [`routes`], which read requests and answer them, [`auth`] says who is asking, [`repository`] keeps what
//! [`domain`] describes, [`limits`] say who may ask how often, [`meters`] count, [`ops`] shows and switches what runs, on every instance, [`flags`] switch layers off and on again, [`events`] tell [`caching`] what happened, [`answers`] are kept in memory or in Redis, [`errors`] lists what can go wrong, and [`seed`]
//! makes up a fleet to start with.

pub mod answers;
pub mod auth;
pub mod caching;
pub mod config;
pub mod domain;
pub mod errors;
pub mod events;
pub mod flags;
pub mod limits;
pub mod logging;
pub mod meters;
mod openapi;
pub mod ops;
pub mod repository;
pub mod routes;
pub mod seed;
pub mod server;
pub mod stack;
mod state;
mod switchboard;
#[cfg(test)]
mod testing;

pub use self::state::AppState;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
