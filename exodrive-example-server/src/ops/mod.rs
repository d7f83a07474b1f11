//! The operations page: what this instance is doing, and what an operator can do about it.
//!
//! It has a listener of its own, on this machine alone unless it is told otherwise. Anybody who reaches it may look;
//! to change anything takes the admin token, and every attempt is logged under the target `audit`.
//! The page is three files of plain HTML, CSS and JavaScript; everything on it is JSON under `/ops/api`, too.

mod actions;
mod assets;
mod guard;
mod limits;
mod live;
mod router;
mod switching;
mod token;
mod views;
mod whom;

pub(crate) use self::live::Live;
pub(crate) use self::router::router;
pub use self::token::AdminToken;
