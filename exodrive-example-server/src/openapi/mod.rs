//! The description of the API that is served at `/openapi.json`.
//!
//! What is particular to a route stands above its handler. What holds for many of them is added here, once: the
//! errors, which come from the [`CATALOGUE`](crate::errors::CATALOGUE), and the headers of the layers.

mod components;
mod document;

pub(crate) use self::document::{base, complete, mention_cache};
