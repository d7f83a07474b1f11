//! A fleet to start with: made up, believable, and the same every time for the same date and sizes.

mod generate;
mod splitmix;
mod tables;
mod users;

pub(crate) use self::generate::Generated;
pub use self::generate::Seed;
pub(crate) use self::tables::{CATEGORIES, CITIES, MAKES, MODELS};
pub use self::users::{DEMO_USERS, DemoUser, customer_key};
