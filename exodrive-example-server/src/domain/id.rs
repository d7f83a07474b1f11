use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;
use uuid::Uuid;

/// A text that is no identifier of anything.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("an identifier is 1 to {LONGEST} letters, digits and hyphens")]
#[non_exhaustive]
pub struct IdError;

const LONGEST: usize = 64;

fn is_well_formed(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

macro_rules! text_id {
    ($(#[$about:meta])* $name:ident, $prefix:literal) => {
        #[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, ToSchema)]
        #[schema(pattern = "^[A-Za-z0-9-]{1,64}$")]
        $(#[$about])*
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// A new identifier. One generated later sorts after it.
            #[must_use]
            pub fn generate() -> Self {
                Self(format!(concat!($prefix, "-{}"), Uuid::now_v7().simple()))
            }

            /// The identifier of the `number`th generated record.
            pub(crate) fn numbered(number: usize) -> Self {
                Self(format!(concat!($prefix, "-{:06}"), number))
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                if is_well_formed(&text) {
                    Ok(Self(text))
                } else {
                    Err(IdError)
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// Which car: `car-` and a number for the generated fleet, `car-` and a UUID of version 7 for a car added later.
    #[schema(example = "car-000001")]
    CarId, "car"
}
text_id! {
    /// Which booking, shaped as [`CarId`] is.
    #[schema(example = "booking-000001")]
    BookingId, "booking"
}
text_id! {
    /// Which user, shaped as [`CarId`] is.
    #[schema(example = "user-000001")]
    UserId, "user"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_generates() {
        for id in [CarId::generate(), CarId::numbered(7)] {
            assert_eq!(CarId::try_from(id.to_string()), Ok(id));
        }
    }

    #[test]
    fn refuses_what_no_identifier_looks_like() {
        for text in ["", "car 1", "car-\0", "../car-1", "cär-1", &"c".repeat(65)] {
            assert_eq!(CarId::try_from(text.to_owned()), Err(IdError), "{text:?}");
        }
    }
}
