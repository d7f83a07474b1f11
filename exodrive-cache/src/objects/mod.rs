//! Objects of the application: the same stores, fills, tags and promise, without HTTP.

mod cache;
mod error;
mod fill;
mod inquiry;
mod load;
mod many;
mod policies;
mod policy;

pub use self::cache::{Object, ObjectCache};
pub use self::error::{LoadError, LoadErrorKind, UnknownObjects};
pub use self::fill::ObjectFill;
pub(crate) use self::load::Loaded;
pub use self::many::ObjectId;
pub(crate) use self::policies::ObjectPolicies;
pub use self::policy::ObjectPolicy;
