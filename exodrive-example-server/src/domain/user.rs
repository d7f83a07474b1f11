use super::UserId;

/// What a user may do and how much of it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Tier {
    /// Books and cancels their own bookings.
    Standard,
    /// As standard, with more patience from the service.
    Premium,
    /// Changes the fleet and cancels anyone's booking.
    Administrator,
}

impl Tier {
    /// The name under which the database knows the tier.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Premium => "premium",
            Self::Administrator => "administrator",
        }
    }

    /// The tier of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Standard, Self::Premium, Self::Administrator]
            .into_iter()
            .find(|tier| tier.as_str() == name)
    }
}

/// Someone who showed a valid API key.
///
/// Authentication leaves it in the request's extensions.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct User {
    /// Which user.
    pub id: UserId,
    /// What to call them.
    pub name: String,
    /// What they may do.
    pub tier: Tier,
}

impl User {
    /// Whether the user may change the fleet and other people's bookings.
    #[must_use]
    pub fn is_administrator(&self) -> bool {
        self.tier == Tier::Administrator
    }
}
