//! Switches for the parts of this service that came last, and the way back if one of them does harm.
//!
//! Off means off: a request for which a feature is off passes as if the feature's layer were not there.
//! In between a feature is on for a part of the clients, always the same ones; a larger part includes the smaller.

mod feature;
mod future;
mod layer;
mod rollout;
mod switches;

pub use self::feature::Feature;
pub use self::future::ResponseFuture;
pub use self::layer::{Flagged, FlaggedLayer};
pub use self::rollout::Rollout;
pub use self::switches::Flags;
