//! A key of fixed size for any limit and subject.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

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

/// Makes the fingerprints of one limit's subjects.
///
/// The limit's name is in the seeds, so that it need not be hashed with every subject.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LimitKeys {
    high: u64,
    low: u64,
    secret: &'static Secret,
}

/// The seeds of this process, which stem from the operating system's randomness.
#[derive(Debug)]
struct Secret {
    high: Seeds,
    low: Seeds,
}

#[derive(Debug)]
struct Seeds {
    names: RandomState,
    subjects: SharedSeed,
}

static SECRET: LazyLock<Secret> = LazyLock::new(|| Secret {
    high: Seeds::random(),
    low: Seeds::random(),
});

impl Seeds {
    fn random() -> Self {
        let names = RandomState::new();
        Self {
            subjects: SharedSeed::from_u64(names.hash_one(0)),
            names,
        }
    }
}

impl LimitKeys {
    pub(crate) fn of(limit: &str) -> Self {
        let secret = &*SECRET;
        Self {
            high: secret.high.names.hash_one(limit),
            low: secret.low.names.hash_one(limit),
            secret,
        }
    }

    #[inline]
    pub(crate) fn key(&self, subject: &Subject) -> Fingerprint {
        let mut hashers = self.hashers();
        // A length of at most 2^56 leaves room for the tag.
        subject.visit(|tag, part| hashers.write((part.len() as u64) << 8 | tag as u64, part));
        hashers.finish()
    }

    /// The key of a bucket that new subjects share when the store is full.
    pub(crate) fn overflow_key(&self, bucket: u64) -> Fingerprint {
        let mut hashers = self.hashers();
        // No part of a subject is that long.
        hashers.write(!bucket, &[]);
        hashers.finish()
    }

    #[inline]
    fn hashers(&self) -> Hashers<'_> {
        Hashers {
            high: FoldHasher::with_seed(self.high, &self.secret.high.subjects),
            low: FoldHasher::with_seed(self.low, &self.secret.low.subjects),
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
