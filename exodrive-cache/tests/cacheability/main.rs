//! Which answer to which request is stored: every combination of rules, each with its source.
//!
//! A rule says of one property, taken alone, whether it keeps an answer out of the cache. A row is a combination of
//! properties, asked for twice; it is a hit the second time if no rule speaks against it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod keyed;
mod table;
mod transparent;
