use std::fmt;

use super::Feature;

/// For how many of a hundred clients a feature is on.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Rollout(u8);

impl Rollout {
    /// For nobody.
    pub const OFF: Self = Self(0);
    /// For everybody.
    pub const ON: Self = Self(100);

    /// For so many of a hundred; `None` above a hundred.
    #[must_use]
    pub fn percent(percent: u8) -> Option<Self> {
        (percent <= Self::ON.0).then_some(Self(percent))
    }

    /// How many of a hundred.
    #[must_use]
    pub fn as_percent(self) -> u8 {
        self.0
    }

    /// Whether the client is among them.
    ///
    /// `client` is asked for only if the answer depends on it.
    /// It depends on the feature, too, or the same clients would be the first to meet every new thing.
    pub(super) fn reaches<C: AsRef<[u8]>>(
        self,
        feature: Feature,
        client: impl FnOnce() -> C,
    ) -> bool {
        match self {
            Self::OFF => false,
            Self::ON => true,
            Self(percent) => place(feature, client().as_ref()) < percent,
        }
    }
}

/// The client's place among a hundred, the same on every instance and after every restart.
fn place(feature: Feature, client: &[u8]) -> u8 {
    let hash = blake3::Hasher::new()
        .update(feature.name().as_bytes())
        .update(client)
        .finalize();
    let [first, second, third, fourth, ..] = *hash.as_bytes();
    // A remainder of 32 bits favours the low places by less than one in ten million.
    (u32::from_le_bytes([first, second, third, fourth]) % 100) as u8
}

impl fmt::Display for Rollout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(feature: Feature, percent: u8) -> Vec<u32> {
        let rollout = Rollout::percent(percent).unwrap();
        let clients = 0..10_000_u32;
        clients
            .filter(|client| rollout.reaches(feature, || client.to_le_bytes()))
            .collect()
    }

    #[test]
    fn reaches_about_as_many_as_it_says() {
        for percent in [1, 10, 50, 99] {
            let expected = usize::from(percent) * 100;
            let reached = reached(Feature::RateLimiting, percent).len();
            // Four standard deviations of a fair draw.
            assert!(reached.abs_diff(expected) < 200, "{reached} at {percent}");
        }
    }

    #[test]
    fn keeps_whom_it_reached_when_it_grows() {
        let (few, more) = (
            reached(Feature::RedisCache, 10),
            reached(Feature::RedisCache, 30),
        );
        assert!(few.iter().all(|client| more.contains(client)));
    }

    #[test]
    fn reaches_others_with_another_feature() {
        let caching = reached(Feature::RedisCache, 50);
        let limiting = reached(Feature::RateLimiting, 50);
        let both = caching.iter().filter(|client| limiting.contains(client));
        assert!((2_000..3_000).contains(&both.count()));
    }

    #[test]
    fn asks_for_the_client_only_between_the_ends() {
        let nobody = || -> [u8; 0] { panic!("asked") };
        assert!(Rollout::ON.reaches(Feature::RedisCache, nobody));
        assert!(!Rollout::OFF.reaches(Feature::RedisCache, nobody));
        assert_eq!(Rollout::percent(101), None);
    }
}
