//! The limits of a service and the store they are kept in, as one handle.

mod administering;
mod admission;
mod background;
mod builder;
mod caller;
mod claim;
mod deciding;
mod denied;
mod doubts;
mod fallback;
mod handle;
mod keeping_up;
mod leases;
mod leasing;
mod permit;
mod plan;
mod planned;
mod punishing;
mod settling;
mod watch;

pub(crate) use admission::{Admission, Correctable};
pub use builder::Builder;
pub(crate) use claim::Progress;
pub use handle::RateLimiter;
pub use permit::Permit;
