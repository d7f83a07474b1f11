//! What operators and penalties order while the service runs: who is let through or kept out, whose limits have another
//! size, and what limits do at all.

mod entry;
mod event;
mod handle;
#[cfg(feature = "redis")]
mod kept;
mod mode;
mod offenders;
mod overrides;
mod penalty;
mod snapshot;
mod whom;
mod words;

pub(crate) use entry::Order;
pub use entry::{Entry, EntryKind};
pub(crate) use event::Note;
pub use event::{Event, EventKind};
pub use handle::Control;
pub use mode::Mode;
pub(crate) use offenders::Offenders;
pub use overrides::Override;
pub use penalty::Penalty;
pub(crate) use penalty::Terms;
pub(crate) use snapshot::{Access, Changes, Snapshot, Who};
pub use whom::Whom;
