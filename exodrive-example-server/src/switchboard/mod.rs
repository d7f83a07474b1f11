//! What operators switch while instances run: for whom a feature is on, and how far a policy of the cache is in force.
//!
//! An order goes before what an instance was started with, until it is taken back.
//! With Redis it holds on every instance, within a second on the others, and for those that are started later.
//! While Redis is away each instance goes on with what it knew; an order given meanwhile holds on the instance it was
//! given to, and on the others once Redis is back, unless a later one was given there, by the clocks of both.
//! A Redis that lost its data is told again by whichever instance still knows.

mod board;
mod order;
mod panel;

pub(crate) use self::order::Order;
pub(crate) use self::panel::{Reach, Switchboard};
