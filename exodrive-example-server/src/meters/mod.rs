//! What a Prometheus server is told, at `GET /metrics`; `docs/metrics.md` lists it.
//!
//! Labels are routes, statuses, codes, limits and policies, of which there are few. Clients are none: whoever could
//! make a new time series with every request would fill the memory of whatever watches this service.

mod observation;
mod observe;
mod recorder;
mod requests;

pub(crate) use self::observation::Observation;
pub(crate) use self::observe::observe;
pub use self::recorder::{Exposition, RecorderTaken};
