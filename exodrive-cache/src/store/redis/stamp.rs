//! Under which versions of its tags an entry was made, and what that says about it now.

use bytes::{Buf, Bytes};

/// The version of a tag: two random numbers, never counters.
///
/// A counter that is evicted begins anew, and sooner or later has a number that an old entry knows.
/// A random number never comes back.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Version {
    /// Another one makes an entry useless.
    pub(super) hard: u64,
    /// Another one makes an entry stale.
    pub(super) soft: u64,
}

/// What an entry carries into Redis, so that whoever reads it can tell whether it is still right,
/// whenever it was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    /// The era of the server that the entry was made for.
    pub(super) era: u64,
    /// The versions of the entry's tags, in their order.
    pub(super) versions: Vec<Version>,
}

/// What an entry is good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// Nothing of its tags was invalidated.
    Current,
    /// One of its tags was invalidated softly.
    Outdated,
    /// One of its tags was invalidated, or that cannot be ruled out.
    Gone,
}

// === impl Version ===

impl Version {
    pub(super) const LENGTH: usize = 16;
    /// Where the soft number begins.
    pub(super) const SOFT_AT: usize = 8;

    pub(super) fn random() -> Self {
        Self {
            // 0 is what a soft invalidation leaves of a tag that is not there.
            hard: fastrand::u64(1..),
            soft: fastrand::u64(..),
        }
    }

    pub(super) fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..Self::SOFT_AT].copy_from_slice(&self.hard.to_le_bytes());
        bytes[Self::SOFT_AT..].copy_from_slice(&self.soft.to_le_bytes());
        bytes
    }

    /// Reads what is stored for a tag; anything but a version is as good as nothing.
    pub(super) fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let version = Self {
            hard: bytes.try_get_u64_le().ok()?,
            soft: bytes.try_get_u64_le().ok()?,
        };
        (version.hard != 0 && bytes.is_empty()).then_some(version)
    }
}

// === impl Stamp ===

impl Stamp {
    /// Returns what an entry with this stamp is good for in `era`, while its tags have the versions
    /// `current`, in their order.
    ///
    /// A tag without a version may have been invalidated: an invalidation removes it, and so does
    /// the eviction of its key.
    pub(super) fn standing(&self, era: u64, current: &[Option<Version>]) -> Standing {
        if self.era != era || self.versions.len() != current.len() {
            return Standing::Gone;
        }
        let mut standing = Standing::Current;
        for (made_under, current) in self.versions.iter().zip(current) {
            match current {
                Some(current) if current == made_under => {}
                Some(current) if current.hard == made_under.hard => standing = Standing::Outdated,
                _ => return Standing::Gone,
            }
        }
        standing
    }

    /// Writes the stamp: the era, the number of versions in two bytes, and the versions.
    pub(super) fn encode_into(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.era.to_le_bytes());
        // An entry has at most 32 tags.
        bytes.extend_from_slice(&(self.versions.len() as u16).to_le_bytes());
        for version in &self.versions {
            bytes.extend_from_slice(&version.to_bytes());
        }
    }

    /// Reads a stamp off the beginning of `bytes`.
    pub(super) fn decode(bytes: &mut Bytes) -> Option<Self> {
        let era = bytes.try_get_u64_le().ok()?;
        let count = usize::from(bytes.try_get_u16_le().ok()?);
        if bytes.len() < count * Version::LENGTH {
            return None;
        }
        let versions = bytes.split_to(count * Version::LENGTH);
        let versions = versions.chunks_exact(Version::LENGTH);
        Some(Self {
            era,
            versions: versions.map(Version::from_bytes).collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ERA: u64 = 7;

    fn version(hard: u64, soft: u64) -> Version {
        Version { hard, soft }
    }

    fn stamp(versions: &[Version]) -> Stamp {
        Stamp {
            era: ERA,
            versions: versions.to_vec(),
        }
    }

    #[test]
    fn the_worst_tag_decides() {
        let stamp = stamp(&[version(1, 1), version(2, 2)]);
        let standing = |one, two| stamp.standing(ERA, &[one, two]);
        let (same, other) = (Some(version(1, 1)), Some(version(2, 2)));
        assert_eq!(standing(same, other), Standing::Current);
        assert_eq!(standing(same, Some(version(2, 9))), Standing::Outdated);
        assert_eq!(standing(same, Some(version(9, 2))), Standing::Gone);
        assert_eq!(standing(Some(version(1, 9)), None), Standing::Gone);
        assert_eq!(standing(None, other), Standing::Gone);
    }

    #[test]
    fn an_entry_of_another_era_or_with_other_tags_is_gone() {
        let stamp = stamp(&[version(1, 1)]);
        let current = [Some(version(1, 1)), Some(version(2, 2))];
        assert_eq!(stamp.standing(ERA, &current[..1]), Standing::Current);
        assert_eq!(stamp.standing(ERA + 1, &current[..1]), Standing::Gone);
        assert_eq!(stamp.standing(ERA, &current), Standing::Gone);
        assert_eq!(stamp.standing(ERA, &[]), Standing::Gone);
    }

    #[test]
    fn what_a_soft_invalidation_leaves_of_a_missing_tag_is_no_version() {
        assert_eq!(Version::from_bytes(&version(0, 5).to_bytes()), None);
        assert_eq!(Version::from_bytes(&[1; 15]), None);
        assert_eq!(Version::from_bytes(&[1; 17]), None);
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote_and_leaves_the_rest(
            era in any::<u64>(),
            versions in proptest::collection::vec((1u64.., any::<u64>()), 0..40),
            rest in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let versions = versions.into_iter().map(|(hard, soft)| version(hard, soft));
            let stamp = Stamp { era, versions: versions.collect() };
            let mut bytes = Vec::new();
            stamp.encode_into(&mut bytes);
            bytes.extend_from_slice(&rest);
            let mut bytes = Bytes::from(bytes);
            prop_assert_eq!(Stamp::decode(&mut bytes), Some(stamp));
            prop_assert_eq!(bytes, rest);
        }

        #[test]
        fn reads_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Stamp::decode(&mut bytes.into());
        }
    }
}
