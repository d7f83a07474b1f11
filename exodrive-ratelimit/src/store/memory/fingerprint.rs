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

    pub(crate) fn of(&self, limit: &str, subject: &Subject) -> Fingerprint {
        self.hash(|hasher| {
            write_framed(hasher, limit.as_bytes());
            subject.visit(|tag, part| {
                hasher.write_u8(tag as u8);
                write_framed(hasher, part);
            });
        })
    }

    /// The key of a bucket that new subjects of a limit share when the store is full.
    pub(crate) fn of_overflow(&self, limit: &str, bucket: u64) -> Fingerprint {
        self.hash(|hasher| {
            write_framed(hasher, limit.as_bytes());
            hasher.write_u64(bucket);
        })
    }

    #[inline]
    fn hash(&self, write: impl Fn(&mut FoldHasher<'_>)) -> Fingerprint {
        let mut high = self.high.hasher();
        write(&mut high);
        let mut low = self.low.hasher();
        write(&mut low);
        Fingerprint {
            high: high.finish(),
            low: low.finish(),
        }
    }
}

/// Length first, so that no two sequences of parts write the same bytes.
#[inline]
fn write_framed(hasher: &mut FoldHasher<'_>, part: &[u8]) {
    hasher.write_usize(part.len());
    hasher.write(part);
}
