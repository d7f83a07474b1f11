/// What can be switched.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Feature {
    /// Answers are kept and served again.
    RedisCache,
    /// Every failure is an envelope, and logged once.
    NewErrorHandler,
    /// Clients are refused who ask for more than their limits admit.
    RateLimiting,
}

impl Feature {
    /// Every feature.
    pub const ALL: [Self; 3] = [Self::RedisCache, Self::NewErrorHandler, Self::RateLimiting];

    /// Its name in answers and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RedisCache => "redis-cache",
            Self::NewErrorHandler => "new-error-handler",
            Self::RateLimiting => "rate-limiting",
        }
    }

    /// The feature of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.name() == name)
    }
}
