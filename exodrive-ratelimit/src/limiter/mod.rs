//! The limits of a service and the store they are kept in, as one handle.

mod admission;
mod builder;
mod denied;
mod doubts;
mod fallback;
mod handle;
mod permit;
mod plan;

pub(crate) use admission::{Admission, Correctable};
pub use builder::Builder;
pub use handle::RateLimiter;
pub use permit::Permit;
pub(crate) use plan::Claims;
