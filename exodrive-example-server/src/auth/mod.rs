//! Who is asking.
//!
//! A client shows an API key as `Authorization: Bearer <key>`.
//! [`authenticate`] turns a valid key into a [`User`](crate::domain::User) in the request's extensions, refuses an
//! invalid one, and lets requests without a key pass: whether a route needs a user is for the route to say, by
//! taking one.

mod extract;
mod keys;
mod middleware;

pub(crate) use self::extract::Administrator;
pub use self::keys::ApiKeys;
pub use self::middleware::authenticate;
pub(crate) use self::middleware::bearer;
