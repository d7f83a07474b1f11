//! Error codes: what they are, the standard ones, and the catalogue that documents them.

mod catalogue;
mod error_code;
mod openapi;
mod standard;

pub use catalogue::Catalogue;
pub use error_code::ErrorCode;
