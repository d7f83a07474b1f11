//! What a Prometheus server is told, at `GET /metrics`; `docs/metrics.md` lists it.
//!
//! Labels are routes, statuses, codes, limits and policies, of which there are few. Clients are none: whoever could
//! make a new time series with every request would fill the memory of whatever watches this service.

mod observation;
mod observe;
mod pulse;
mod recorder;
mod requests;
mod tally;

pub(crate) use self::observation::Observation;
pub(crate) use self::observe::observe;
pub(crate) use self::pulse::Failure;
pub use self::pulse::Pulse;
pub use self::recorder::{Exposition, RecorderTaken};
pub(crate) use self::tally::Point;
