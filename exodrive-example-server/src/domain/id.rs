use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
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

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
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
    CarId, "car"
}
text_id! {
    /// Which booking, shaped as [`CarId`] is.
    BookingId, "booking"
}
text_id! {
    /// Which user, shaped as [`CarId`] is.
    UserId, "user"
}
