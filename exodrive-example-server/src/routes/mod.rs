//! The routes of the API: each reads its input, asks the repository, tells what happened, and answers.

mod bookings;
mod cars;
mod debug;
mod extract;
mod fleet;
mod health;
mod metrics;
mod period;
mod router;
#[cfg(test)]
mod tests;
mod uninterrupted;

pub use self::debug::router as debug_router;
pub use self::router::router;
