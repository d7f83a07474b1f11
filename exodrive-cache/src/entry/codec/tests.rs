use std::time::SystemTime;

use proptest::prelude::*;

use super::*;
use crate::samples::headers;

fn sample() -> Entry {
    let mut stored = headers(&[
        ("content-type", "text/plain"),
        ("x-car", "7"),
        ("x-car", "8"),
    ]);
    let mut cookie = HeaderValue::from_static("a=b");
    cookie.set_sensitive(true);
    stored.insert("set-cookie", cookie);
    let request = headers(&[("accept-language", "en, de;q=0.5"), ("foo", "1 , 2")]);
    let varying = headers(&[("vary", "accept-language, foo, bar")]);
    Entry {
        key: CacheKey::of_inputs(b"key"),
        vary: Vary::of(&varying, &request).unwrap(),
        tags: [Tag::new("car:7"), Tag::new("cars")].into(),
        status: StatusCode::OK,
        headers: stored,
        body: Bytes::from_static(b"a car"),
        answered_at: UNIX_EPOCH + Duration::from_micros(784_111_777_123_456),
        fill_time: Duration::from_millis(7),
        freshness: Freshness {
            lifetime: Duration::from_secs(60),
            initial_age: Duration::from_micros(1),
            stale_while_revalidate: Duration::from_secs(30),
            stale_if_error: Duration::from_secs(90),
            must_revalidate: true,
        },
        content: Content::Answer,
        known: KnownUntil::default(),
    }
}

/// Everything that an entry consists of, for comparison.
fn parts(entry: &Entry) -> impl PartialEq + fmt::Debug + use<> {
    let sensitive: Vec<_> = entry
        .headers
        .values()
        .map(HeaderValue::is_sensitive)
        .collect();
    (
        (entry.key.clone(), entry.key.digest(), entry.tags.clone()),
        (entry.vary.clone(), entry.status, entry.body.clone()),
        (entry.headers.clone(), sensitive),
        (entry.answered_at, entry.fill_time, entry.freshness),
    )
}

fn decode(bytes: impl Into<Bytes>) -> Result<Entry, DecodeErrorKind> {
    Entry::decode(&bytes.into()).map_err(|error| error.kind())
}

/// Returns why the bytes are not read.
fn refusal(bytes: impl Into<Bytes>) -> Option<DecodeErrorKind> {
    decode(bytes).err()
}

/// Puts the right checksum behind bytes that were changed.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = xxh3_64(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

fn unsealed(entry: &Entry) -> Vec<u8> {
    let bytes = entry.encode();
    bytes[..bytes.len() - CHECKSUM].to_vec()
}

#[test]
fn reads_what_it_wrote() {
    let read = decode(sample().encode()).unwrap();
    assert_eq!(parts(&read), parts(&sample()));
}

#[test]
fn reads_what_version_1_wrote() {
    let written = include_bytes!("v1.bin");
    let read = decode(&written[..]).unwrap();
    assert_eq!(parts(&read), parts(&sample()));
    assert_eq!(sample().encode(), &written[..]);
}

#[cfg(feature = "lz4")]
fn packed(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    entry.encode_with(&mut bytes, Some(100));
    bytes
}

#[cfg(feature = "lz4")]
#[test]
fn reads_what_is_packed() {
    let body = Bytes::from(b"a car ".repeat(100));
    let entry = Entry { body, ..sample() };
    let bytes = packed(&entry);
    assert!(bytes.len() + 500 < entry.encode().len());
    let read = decode(bytes).unwrap();
    assert_eq!(parts(&read), parts(&entry));
    // Another version may pack it otherwise, but has to read this.
    let written = include_bytes!("packed_v1.bin");
    assert_eq!(parts(&decode(&written[..]).unwrap()), parts(&entry));
}

#[cfg(feature = "lz4")]
#[test]
fn packs_neither_what_is_short_nor_what_is_encoded() {
    let short = sample();
    assert_eq!(packed(&short), short.encode());
    let mut encoded = sample();
    encoded.body = Bytes::from(b"a car ".repeat(100));
    let gzip = HeaderValue::from_static("gzip");
    encoded.headers.insert(CONTENT_ENCODING, gzip);
    assert_eq!(packed(&encoded), encoded.encode());
}

#[cfg(feature = "lz4")]
#[test]
fn what_cannot_be_unpacked_is_corrupt() {
    let mut flagged = unsealed(&sample());
    flagged[6] |= PACKED as u8;
    assert_eq!(refusal(sealed(flagged)), Some(DecodeErrorKind::Corrupt));
}

#[cfg(feature = "redis")]
#[test]
fn reads_only_the_entry_that_was_asked_for() {
    let bytes = sample().encode();
    let asked = CacheKey::of_inputs(b"key");
    let read = Entry::decode_for(&asked, &bytes).unwrap().unwrap();
    assert_eq!(parts(&read), parts(&sample()));
    let other = CacheKey::of_inputs(b"another");
    assert!(Entry::decode_for(&other, &bytes).unwrap().is_none());
}

#[test]
fn an_empty_entry_is_one() {
    let entry = Entry {
        key: CacheKey::of_inputs(b""),
        vary: Vary::default(),
        tags: [].into(),
        status: StatusCode::NO_CONTENT,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        answered_at: UNIX_EPOCH,
        fill_time: Duration::ZERO,
        freshness: Freshness::fixed(Duration::ZERO, Duration::ZERO, Duration::ZERO),
        content: Content::Answer,
        known: KnownUntil::default(),
    };
    assert_eq!(parts(&decode(entry.encode()).unwrap()), parts(&entry));
}

#[test]
fn copies_neither_the_body_nor_the_values_of_headers() {
    let bytes = sample().encode();
    let read = decode(bytes.clone()).unwrap();
    let is_inside = |part: &[u8]| bytes.as_ptr_range().contains(&part.as_ptr());
    assert!(is_inside(&read.body));
    let mut values = read.headers.values();
    assert!(values.all(|value| is_inside(value.as_bytes())));
}

#[test]
fn is_written_behind_what_is_there() {
    let mut bytes = b"before".to_vec();
    sample().encode_with(&mut bytes, None);
    assert_eq!(&bytes[b"before".len()..], sample().encode());
}

#[test]
fn times_that_cannot_be_written_are_the_nearest() {
    let mut entry = sample();
    entry.answered_at = UNIX_EPOCH - Duration::from_secs(1);
    entry.freshness.lifetime = Duration::MAX;
    entry.freshness.initial_age = Duration::from_nanos(1999);
    let read = decode(entry.encode()).unwrap();
    assert_eq!(read.answered_at, UNIX_EPOCH);
    assert_eq!(read.freshness.lifetime, Duration::from_micros(u64::MAX));
    assert_eq!(read.freshness.initial_age, Duration::from_micros(1));
}

#[test]
fn tells_what_is_not_its_own() {
    use DecodeErrorKind::{Corrupt, Foreign, Newer};
    for bytes in [&b""[..], b"X", b"XD", b"HDC\x01", b"{\"body\":\"a car\"}"] {
        assert_eq!(refusal(bytes), Some(Foreign));
    }
    assert_eq!(refusal(&b"XDC"[..]), Some(Corrupt));
    assert_eq!(refusal(&b"XDC\x01"[..]), Some(Corrupt));
    assert_eq!(refusal(&b"XDC\x02"[..]), Some(Newer));
}

#[test]
fn leaves_to_later_versions_what_is_theirs() {
    let mut flagged = unsealed(&sample());
    flagged[7] |= 0x80;
    assert_eq!(refusal(sealed(flagged)), Some(DecodeErrorKind::Newer));

    let mut longer = unsealed(&sample());
    longer.splice(FIXED..FIXED, *b"more");
    longer[4] += 4;
    let read = decode(sealed(longer)).unwrap();
    assert_eq!(parts(&read), parts(&sample()));
}

#[test]
fn a_length_that_does_not_fit_is_corrupt() {
    for at in [4, 58, 62, 66, 70] {
        for value in [0_u16, 1, 70, 0x7fff, 0xffff] {
            let mut bytes = unsealed(&sample());
            if bytes[at..at + 2] == value.to_le_bytes() {
                continue;
            }
            bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
            let read = decode(sealed(bytes));
            let same = read
                .as_ref()
                .is_ok_and(|read| parts(read) == parts(&sample()));
            assert!(!same, "{value} at {at}");
            if value > 0x7000 {
                assert_eq!(
                    read.err(),
                    Some(DecodeErrorKind::Corrupt),
                    "{value} at {at}"
                );
            }
        }
    }
}

#[test]
fn a_number_out_of_its_range_is_corrupt() {
    for (at, value) in [(8, 99_u16), (8, 1000)] {
        let mut bytes = unsealed(&sample());
        bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
        assert_eq!(
            refusal(sealed(bytes)),
            Some(DecodeErrorKind::Corrupt),
            "{value}"
        );
    }
}

#[test]
fn any_cut_and_any_flipped_bit_is_noticed() {
    let bytes = sample().encode();
    for end in 0..bytes.len() {
        assert!(decode(bytes.slice(..end)).is_err(), "cut at {end}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn reads_a_header_of_many_fields() {
    let mut entry = sample();
    entry.headers = (0..20_000_u32)
        .map(|n| (HeaderName::try_from(format!("x-{n}")).unwrap(), n.into()))
        .collect();
    assert_eq!(parts(&decode(entry.encode()).unwrap()), parts(&entry));
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let bytes = |upto| proptest::collection::vec(any::<u8>(), 0..upto);
    let micros = || any::<u64>().prop_map(Duration::from_micros);
    let name = || "[a-z][a-z0-9-]{0,70}|content-type|vary|etag";
    let header = (name(), "[ -~]{0,40}", any::<bool>()).prop_map(|(name, value, sensitive)| {
        let mut value: HeaderValue = value.parse().unwrap();
        value.set_sensitive(sensitive);
        (name.parse::<HeaderName>().unwrap(), value)
    });
    let value = prop_oneof![
        Just(Value::Missing),
        bytes(20).prop_map(|lines| Value::Lines(lines.into())),
        proptest::collection::vec(bytes(8).prop_map(Into::into), 0..4)
            .prop_map(|languages| Value::Languages(languages.into())),
    ];
    let varied = (name(), value).prop_map(|(name, value)| Field {
        name: name.parse().unwrap(),
        value,
    });
    let freshness = (micros(), micros(), micros(), micros(), any::<bool>()).prop_map(
        |(lifetime, initial_age, stale_while_revalidate, stale_if_error, must_revalidate)| {
            Freshness {
                lifetime,
                initial_age,
                stale_while_revalidate,
                stale_if_error,
                must_revalidate,
            }
        },
    );
    let since_1970 = (0_u64..i64::MAX as u64).prop_map(Duration::from_micros);
    (
        (bytes(40), bytes(200), 100_u16..1000),
        proptest::collection::vec(varied, 0..4),
        proptest::collection::vec("\\PC{0,40}".prop_map(Tag::new), 0..4),
        proptest::collection::vec(header, 0..8),
        (since_1970, micros(), freshness),
    )
        .prop_map(
            |((key, body, status), varied, tags, headers, times)| Entry {
                key: CacheKey::of_inputs(&key),
                vary: Vary::from_fields(varied),
                tags: tags.into(),
                status: StatusCode::from_u16(status).unwrap(),
                headers: headers.into_iter().collect(),
                body: body.into(),
                answered_at: SystemTime::UNIX_EPOCH + times.0,
                fill_time: times.1,
                freshness: times.2,
                content: Content::Answer,
                known: KnownUntil::default(),
            },
        )
}

proptest! {
    #[test]
    fn reads_any_entry_that_it_wrote(entry in any_entry()) {
        prop_assert_eq!(parts(&decode(entry.encode()).unwrap()), parts(&entry));
    }

    #[test]
    fn a_cut_or_a_flipped_bit_of_any_entry_is_noticed(
        entry in any_entry(), cut in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>(),
    ) {
        let bytes = entry.encode();
        prop_assert!(decode(bytes.slice(..cut.index(bytes.len()))).is_err());
        let mut flipped = bytes.to_vec();
        let bit = bit.index(flipped.len() * 8);
        flipped[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(decode(flipped).is_err());
    }

    #[test]
    fn reads_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(bytes.clone());
        let mut own = b"XDC\x01".to_vec();
        own.extend_from_slice(&bytes);
        let _ = decode(sealed(own));
    }

    #[test]
    fn reads_any_change_that_somebody_sealed(
        entry in any_entry(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = unsealed(&entry);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = decode(sealed(bytes));
    }
}
