//! Bodies packed with LZ4, for stores outside the process.

use bytes::Bytes;
use lz4_flex::block::{compress_prepend_size, decompress, uncompressed_size};

/// The longest body that is packed, and that is unpacked again.
const MAX_BODY: usize = 8 << 20;
/// What a byte of an LZ4 block stands for at most: a length is continued in bytes of up to 255.
const MAX_RATIO: usize = 255;

/// Packs a body, unless that makes it no shorter: its length in four bytes, and an LZ4 block.
pub(super) fn pack(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() > MAX_BODY {
        return None;
    }
    let packed = compress_prepend_size(body);
    (packed.len() < body.len()).then_some(packed)
}

/// Unpacks a body. Whatever the bytes are, no more memory is taken than their number can stand for.
pub(super) fn unpack(packed: &[u8]) -> Option<Bytes> {
    let (length, block) = uncompressed_size(packed).ok()?;
    if length > MAX_BODY || length > block.len().saturating_mul(MAX_RATIO) {
        return None;
    }
    let body = decompress(block, length).ok()?;
    (body.len() == length).then(|| body.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packs_what_repeats_and_nothing_else() {
        let body = br#"{"car":7}"#.repeat(100);
        let packed = pack(&body).unwrap();
        assert!(packed.len() < body.len() / 10, "{}", packed.len());
        assert_eq!(unpack(&packed).unwrap(), body);
        assert_eq!(pack(b"7"), None);
        assert_eq!(pack(b""), None);
        assert_eq!(pack(&vec![0; MAX_BODY + 1]), None);
    }

    #[test]
    fn the_densest_block_there_is_can_be_unpacked() {
        let body = vec![0; MAX_BODY];
        assert_eq!(unpack(&pack(&body).unwrap()).unwrap(), body);
    }

    #[test]
    fn refuses_a_length_that_is_not_the_bodys() {
        let body = b"a car ".repeat(100);
        let packed = pack(&body).unwrap();
        for length in [0, 599, 601, 1 << 20, u32::MAX] {
            let mut other = packed.clone();
            other[..4].copy_from_slice(&length.to_le_bytes());
            assert_eq!(unpack(&other), None, "{length}");
        }
        assert_eq!(unpack(&packed[..3]), None);
    }

    proptest! {
        #[test]
        fn unpacks_what_it_packed(body in proptest::collection::vec(0u8..3, 0..2_000)) {
            if let Some(packed) = pack(&body) {
                prop_assert_eq!(unpack(&packed).unwrap(), body);
            }
        }

        #[test]
        fn unpacks_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&bytes);
        }
    }
}
