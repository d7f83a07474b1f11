//! Tallies as small as they can be kept.
//!
//! Most of what a check costs among many keys is waiting for memory, so no cell lies across two cache lines.

use std::fmt::Debug;

use super::fingerprint::Fingerprint;
use super::rules::RuleId;
use crate::gcra::Bucket;
use crate::rule::Tally;
use crate::window::Segments;

/// A key, its tally and the id of its rule, packed.
pub(super) trait Cell: Copy + Debug {
    type Tally: Tally;

    fn pack(key: Fingerprint, tally: Self::Tally, rule: RuleId) -> Self;

    fn is_of(&self, key: Fingerprint) -> bool;

    /// The half of the key that chooses the place in a table.
    fn low(&self) -> u64;

    fn rule(&self) -> RuleId;

    fn tally(&self) -> Self::Tally;
}

/// A bucket in 32 bytes.
///
/// Levels and times stay below 2^53, which leaves 11 bits free in each of two words, together the 22 of the rule.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(super) struct BucketCell {
    key: Fingerprint,
    level: u64,
    at: u64,
}

const VALUE_BITS: u32 = 53;
const VALUE: u64 = (1 << VALUE_BITS) - 1;
const SPARE_BITS: u32 = u64::BITS - VALUE_BITS;
const SPARE: u32 = (1 << SPARE_BITS) - 1;

impl Cell for BucketCell {
    type Tally = Bucket;

    fn pack(key: Fingerprint, tally: Bucket, RuleId(rule): RuleId) -> Self {
        let word = |value: u64, spare: u32| value.min(VALUE) | u64::from(spare) << VALUE_BITS;
        Self {
            key,
            level: word(tally.level(), rule >> SPARE_BITS),
            at: word(tally.at(), rule & SPARE),
        }
    }

    fn is_of(&self, key: Fingerprint) -> bool {
        self.key == key
    }

    fn low(&self) -> u64 {
        self.key.low
    }

    fn rule(&self) -> RuleId {
        let spare = |word: u64| (word >> VALUE_BITS) as u32;
        RuleId(spare(self.level) << SPARE_BITS | spare(self.at))
    }

    fn tally(&self) -> Bucket {
        Bucket::new(self.level & VALUE, self.at & VALUE)
    }
}

/// The segments of a window in 64 bytes; when it was last looked at follows from the next look.
///
/// A segment is at least 100 microseconds long, so 42 bits hold the index of each that a process lives to see, and leave
/// the 22 of the rule. Of the key's upper half, which chooses the shard as well, half is enough: among 2^48 keys two would
/// be expected to fall together.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct SegmentsCell {
    low: u64,
    newest: u64,
    high: u32,
    counts: [u32; 11],
}

const INDEX_BITS: u32 = 42;
const INDEX: u64 = (1 << INDEX_BITS) - 1;

impl Cell for SegmentsCell {
    type Tally = Segments;

    fn pack(key: Fingerprint, tally: Segments, RuleId(rule): RuleId) -> Self {
        Self {
            low: key.low,
            newest: tally.newest().min(INDEX) | u64::from(rule) << INDEX_BITS,
            high: key.high as u32,
            counts: tally.counts(),
        }
    }

    fn is_of(&self, key: Fingerprint) -> bool {
        self.low == key.low && self.high == key.high as u32
    }

    fn low(&self) -> u64 {
        self.low
    }

    fn rule(&self) -> RuleId {
        RuleId((self.newest >> INDEX_BITS) as u32)
    }

    fn tally(&self) -> Segments {
        Segments::new(self.newest & INDEX, self.counts, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Fingerprint = Fingerprint { high: !7, low: 7 };

    const RULES: [RuleId; 4] = [
        RuleId(0),
        RuleId(SPARE),
        RuleId(SPARE + 1),
        RuleId((1 << 22) - 1),
    ];

    #[test]
    fn a_bucket_comes_out_as_it_went_in() {
        for value in [0, 1, 1 << 52, VALUE] {
            for rule in RULES {
                for bucket in [Bucket::new(value, 7), Bucket::new(7, value)] {
                    let cell = BucketCell::pack(KEY, bucket, rule);
                    assert_eq!((cell.tally(), cell.rule()), (bucket, rule));
                    assert!(cell.is_of(KEY));
                }
            }
        }
    }

    #[test]
    fn segments_come_out_as_they_went_in() {
        for newest in [0, 1, INDEX] {
            for rule in RULES {
                let segments = Segments::new(newest, [u32::MAX; 11], 0);
                let cell = SegmentsCell::pack(KEY, segments, rule);
                assert_eq!((cell.tally(), cell.rule()), (segments, rule));
                assert!(cell.is_of(KEY));
            }
        }
    }

    #[test]
    fn either_half_of_a_key_tells_cells_apart() {
        let bucket = BucketCell::pack(KEY, Bucket::new(0, 0), RuleId(0));
        let segments = SegmentsCell::pack(KEY, Segments::new(0, [0; 11], 0), RuleId(0));
        for other in [
            Fingerprint { high: 7, ..KEY },
            Fingerprint { low: 8, ..KEY },
        ] {
            assert!(!bucket.is_of(other) && !segments.is_of(other));
        }
    }

    #[test]
    fn cells_fit_into_cache_lines() {
        assert_eq!(size_of::<BucketCell>(), 32);
        assert_eq!(size_of::<SegmentsCell>(), 64);
    }
}
