//! The limits of a service and the store they are kept in, as one handle.

mod admission;
mod builder;
mod caller;
mod claim;
mod deciding;
mod denied;
mod doubts;
mod fallback;
mod handle;
mod permit;
mod plan;
mod planned;
mod settling;

pub(crate) use admission::{Admission, Correctable};
pub use builder::Builder;
pub(crate) use claim::Claims;
pub use handle::RateLimiter;
pub use permit::Permit;
