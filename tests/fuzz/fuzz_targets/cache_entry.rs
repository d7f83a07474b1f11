//! Bytes that a store gives back: they are an entry, whose bytes they are, or they are refused.
#![no_main]

use bytes::Bytes;
use exodrive_cache::Entry;
use libfuzzer_sys::fuzz_target;
use xxhash_rust::xxh3::xxh3_64;

fuzz_target!(|input: &[u8]| {
    check(input.to_vec());
    // With a checksum that is right, which no fuzzer guesses.
    let mut whole = input.to_vec();
    whole.extend_from_slice(&xxh3_64(input).to_le_bytes());
    check(whole);
});

fn check(bytes: Vec<u8>) {
    if let Ok(entry) = Entry::decode(&bytes.into()) {
        let written: Bytes = entry.encode();
        let read = Entry::decode(&written).expect("what was written is read");
        assert_eq!(read.encode(), written);
    }
}
