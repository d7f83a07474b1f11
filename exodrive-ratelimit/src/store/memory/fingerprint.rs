//! A key of fixed size for any limit and subject.

use std::hash::{BuildHasher, Hasher, RandomState};

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;

use crate::Subject;

/// What stands for a limit and a subject in the tables: 128 bits of a keyed hash.
///
/// Comparing fingerprints in place of names costs no allocation and no pointer to follow. Only among some 2^64 keys would
/// two be expected to fall together, and the seeds are not known to whoever might look for such a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// Chooses the shard, and the overflow bucket.
    pub(crate) high: u64,
    /// Chooses the place in a table.
    pub(crate) low: u64,
}

/// Makes fingerprints with seeds of its own.
#[derive(Debug)]
pub(crate) struct Fingerprints {
    high: Seeds,
    low: Seeds,
}

#[derive(Debug)]
struct Seeds {
    hasher: u64,
    shared: SharedSeed,
}

impl Seeds {
    /// Seeds that stem from the operating system's randomness, by way of the standard library's map.
    fn random() -> Self {
        let random = |n: u64| RandomState::new().hash_one(n);
        Self {
            hasher: random(0),
            shared: SharedSeed::from_u64(random(1)),
        }
    }

    fn hasher(&self) -> FoldHasher<'_> {
        FoldHasher::with_seed(self.hasher, &self.shared)
    }
}

impl Fingerprints {
    pub(crate) fn random() -> Self {
        Self {
            high: Seeds::random(),
            low: Seeds::random(),
        }
    }

    #[inline]
    pub(crate) fn of(&self, limit: &str, subject: &Subject) -> Fingerprint {
        let mut hashers = self.hashers();
        hashers.write(limit.len() as u64, limit.as_bytes());
        // A length of at most 2^56 leaves room for the tag.
        subject.visit(|tag, part| hashers.write((part.len() as u64) << 8 | tag as u64, part));
        hashers.finish()
    }

    /// The key of a bucket that new subjects of a limit share when the store is full.
    pub(crate) fn of_overflow(&self, limit: &str, bucket: u64) -> Fingerprint {
        let mut hashers = self.hashers();
        hashers.write(limit.len() as u64, limit.as_bytes());
        // No part of a subject is that long.
        hashers.write(!bucket, &[]);
        hashers.finish()
    }

    #[inline]
    fn hashers(&self) -> Hashers<'_> {
        Hashers {
            high: self.high.hasher(),
            low: self.low.hasher(),
        }
    }
}

/// The hashers of both halves, fed together.
struct Hashers<'a> {
    high: FoldHasher<'a>,
    low: FoldHasher<'a>,
}

impl Hashers<'_> {
    /// A part of the key and what it is, its length included, so that no two sequences of parts write the same.
    #[inline]
    fn write(&mut self, frame: u64, part: &[u8]) {
        for hasher in [&mut self.high, &mut self.low] {
            hasher.write_u64(frame);
            hasher.write(part);
        }
    }

    #[inline]
    fn finish(self) -> Fingerprint {
        Fingerprint {
            high: self.high.finish(),
            low: self.low.finish(),
        }
    }
}
