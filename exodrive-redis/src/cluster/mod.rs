//! Several servers that share the keys, of which each has its own connections and its own breaker.

mod keeper;
mod members;
mod redirect;
mod router;
mod slot;
mod topology;

pub(crate) use router::Cluster;
pub(crate) use slot::Slot;
