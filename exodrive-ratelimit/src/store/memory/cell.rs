//! Tallies as small as they can be kept.

use std::fmt::Debug;

use super::rules::RuleId;
use crate::gcra::Bucket;
use crate::rule::Tally;
use crate::window::Segments;

/// A tally and the id of its rule, packed.
pub(super) trait Cell: Copy + Debug {
    type Tally: Tally;

    fn pack(tally: Self::Tally, rule: RuleId) -> Self;

    fn rule(&self) -> RuleId;

    fn tally(&self) -> Self::Tally;
}

/// A bucket in 16 bytes.
///
/// Levels and times stay below 2^53, which leaves 11 bits free in each of two words, together the 22 of the rule. With
/// its fingerprint a key takes 32 bytes, and two of them a cache line.
#[derive(Clone, Copy, Debug)]
pub(super) struct BucketCell {
    level: u64,
    at: u64,
}

const VALUE_BITS: u32 = 53;
const VALUE: u64 = (1 << VALUE_BITS) - 1;
const SPARE_BITS: u32 = u64::BITS - VALUE_BITS;
const SPARE: u32 = (1 << SPARE_BITS) - 1;

impl Cell for BucketCell {
    type Tally = Bucket;

    fn pack(tally: Bucket, RuleId(rule): RuleId) -> Self {
        let word = |value: u64, spare: u32| value.min(VALUE) | u64::from(spare) << VALUE_BITS;
        Self {
            level: word(tally.level(), rule >> SPARE_BITS),
            at: word(tally.at(), rule & SPARE),
        }
    }

    fn rule(&self) -> RuleId {
        let spare = |word: u64| (word >> VALUE_BITS) as u32;
        RuleId(spare(self.level) << SPARE_BITS | spare(self.at))
    }

    fn tally(&self) -> Bucket {
        Bucket::new(self.level & VALUE, self.at & VALUE)
    }
}

/// The segments of a window in 56 bytes; when it was last looked at follows from the next look.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentsCell {
    newest: u64,
    counts: [u32; 11],
    rule: RuleId,
}

impl Cell for SegmentsCell {
    type Tally = Segments;

    fn pack(tally: Segments, rule: RuleId) -> Self {
        Self {
            newest: tally.newest(),
            counts: tally.counts(),
            rule,
        }
    }

    fn rule(&self) -> RuleId {
        self.rule
    }

    fn tally(&self) -> Segments {
        Segments::new(self.newest, self.counts, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_comes_out_as_it_went_in() {
        for value in [0, 1, 1 << 52, VALUE] {
            for rule in [0, 1, SPARE, SPARE + 1, (1 << 22) - 1].map(RuleId) {
                for bucket in [Bucket::new(value, 7), Bucket::new(7, value)] {
                    let cell = BucketCell::pack(bucket, rule);
                    assert_eq!((cell.tally(), cell.rule()), (bucket, rule));
                }
            }
        }
    }

    #[test]
    fn cells_are_small() {
        assert_eq!(size_of::<BucketCell>(), 16);
        assert_eq!(size_of::<SegmentsCell>(), 56);
    }
}
