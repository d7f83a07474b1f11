//! One event for each failure: what it says, what it must not say, and how often.

mod event;
mod failure;
mod redact;
mod sample;
mod text;

pub(crate) use event::emit;
pub use failure::FailureEvent;
pub use failure::OnError;
pub use redact::Redact;
pub(crate) use sample::Sampler;
