//! One event for each failure: what it says, what it must not say, and how often.

mod event;
mod failure;
mod level;
mod redact;
mod sample;
mod text;

pub(crate) use event::emit;
pub use failure::FailureEvent;
pub use failure::OnError;
pub use level::LogLevel;
pub use redact::Redact;
pub(crate) use sample::Sampler;
