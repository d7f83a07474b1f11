//! What a service with the layer does, as a client sees it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod bodies;
mod coalescing;
mod crowd;
mod early;
mod events;
mod explain;
mod invalidation;
mod limits;
mod modes;
mod overtaken;
mod parts;
mod purge;
mod readiness;
mod replica;
mod reuse;
mod said;
mod stale;
mod support;
mod timeouts;
mod transparent;
mod trouble;
