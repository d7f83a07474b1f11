//! The atomics that decide, in one place, so that a model checker can stand in for them.

#[cfg(exodrive_loom)]
pub(crate) use loom::sync::atomic::AtomicU64;
#[cfg(not(exodrive_loom))]
pub(crate) use std::sync::atomic::AtomicU64;
pub(crate) use std::sync::atomic::Ordering;
