//! An entry as bytes, for stores outside the process.
//!
//! All numbers are little-endian, all times microseconds. The fixed part:
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 3 | `XDC` |
//! | 3 | 1 | version, 1 |
//! | 4 | 2 | length of the fixed part |
//! | 6 | 2 | flags: 1 for an answer that must be revalidated once it is stale, 2 for an object of the application, 4 for a body that is packed |
//! | 8 | 2 | status |
//! | 10 | 8 | when the handler answered, since 1970 |
//! | 18 | 8 | how long it took |
//! | 26 | 8 | lifetime |
//! | 34 | 8 | age when it was stored |
//! | 42 | 8 | how long it may be served stale while it is validated |
//! | 50 | 8 | how long it may be served stale instead of an error |
//! | 58 | 4 | length of the key |
//! | 62 | 4 | length of the vary section |
//! | 66 | 4 | length of the tag section |
//! | 70 | 4 | length of the header section |
//!
//! Behind it come the four sections in that order, the body, and the XXH3 of everything before.
//!
//! - The key is its inputs, as they are.
//! - The vary section has, per field, the name, a byte for how values are compared, and in two bytes
//!   how many there are: 0 and none for a field that the request lacks, 1 and one for the lines of the field,
//!   2 for languages.
//! - The tag section has the text of each tag.
//! - A packed body is its length in four bytes and an LZ4 block.
//! - The header section has the number of fields in two bytes and, per field, the name and the value.
//!
//! Names and tags have their length before them in two bytes, values in four; the highest bit of a
//! header value's length says that the value is sensitive.
//!
//! A later writer may append to the fixed part, which this reader skips. Whatever changes what is
//! there already takes a new flag or another version, which this reader does not read.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use bytes::{Buf, Bytes};
use http::header::{CONTENT_ENCODING, HeaderMap};
use http::{HeaderName, HeaderValue, StatusCode};
use xxhash_rust::xxh3::xxh3_64;

use super::{Content, Entry, KnownUntil};
use crate::freshness::Freshness;
use crate::vary::{Field, Value, Vary};
use crate::{CacheKey, Tag};

/// Bytes that are no entry that can be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DecodeError(DecodeErrorKind);

/// Why bytes are not read as an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// They do not begin like one.
    Foreign,
    /// They were written by a version that knows more. Whoever has it still reads them.
    Newer,
    /// They were changed or cut.
    Corrupt,
}

const FOREIGN: DecodeError = DecodeError(DecodeErrorKind::Foreign);
const NEWER: DecodeError = DecodeError(DecodeErrorKind::Newer);
const CORRUPT: DecodeError = DecodeError(DecodeErrorKind::Corrupt);

const MAGIC: [u8; 3] = *b"XDC";
const VERSION: u8 = 1;
const FIXED: usize = 74;
const CHECKSUM: usize = 8;
const MUST_REVALIDATE: u16 = 1;
const OBJECT: u16 = 2;
const PACKED: u16 = 4;
const KNOWN_FLAGS: u16 = MUST_REVALIDATE
    | if cfg!(feature = "objects") { OBJECT } else { 0 }
    | if cfg!(feature = "lz4") { PACKED } else { 0 };
const SENSITIVE: u32 = 1 << 31;

impl Entry {
    /// Writes the entry as bytes, for a store outside the process.
    ///
    /// The form is this crate's own, with a version and a checksum.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut bytes = Vec::new();
        self.encode_with(&mut bytes, None);
        bytes.into()
    }

    /// Writes the entry behind what is there. A body that has at least `pack_from` bytes is packed, unless it is encoded already or
    /// would be no shorter.
    pub(crate) fn encode_with(&self, bytes: &mut Vec<u8>, pack_from: Option<usize>) {
        let packed = pack_from.and_then(|from| self.packed(from));
        let (body, packing) = match &packed {
            Some(packed) => (&**packed, PACKED),
            None => (&*self.body, 0),
        };
        let vary = encode_vary(&self.vary);
        let tags = encode_tags(&self.tags);
        let headers = encode_headers(&self.headers);
        let sections = [self.key.inputs(), &vary, &tags, &headers];

        let start = bytes.len();
        let length: usize = sections.iter().map(|section| section.len()).sum();
        bytes.reserve(FIXED + length + body.len() + CHECKSUM);
        let mut out = Writer(bytes);
        out.bytes(&MAGIC);
        out.bytes(&[VERSION]);
        out.u16(FIXED as u16);
        let revalidate = match self.freshness.must_revalidate {
            true => MUST_REVALIDATE,
            false => 0,
        };
        out.u16(revalidate | packing | self.content.flag());
        out.u16(self.status.as_u16());
        let answered_at = self.answered_at.duration_since(UNIX_EPOCH);
        out.micros(answered_at.unwrap_or_default());
        out.micros(self.fill_time);
        out.micros(self.freshness.lifetime);
        out.micros(self.freshness.initial_age);
        out.micros(self.freshness.stale_while_revalidate);
        out.micros(self.freshness.stale_if_error);
        for section in sections {
            out.length(section);
        }
        for section in sections {
            out.bytes(section);
        }
        out.bytes(body);
        let checksum = xxh3_64(&out.0[start..]);
        out.bytes(&checksum.to_le_bytes());
    }

    fn packed(&self, from: usize) -> Option<Vec<u8>> {
        if self.body.len() < from || self.headers.contains_key(CONTENT_ENCODING) {
            return None;
        }
        #[cfg(feature = "lz4")]
        return super::packed::pack(&self.body);
        #[cfg(not(feature = "lz4"))]
        None
    }

    /// Reads an entry that was written by [`encode`](Self::encode), by this version or an older one.
    ///
    /// The body, unless it is packed, and the values of headers are views of `bytes`, not copies.
    ///
    /// # Errors
    ///
    /// If the bytes are no entry that this version can read, which is worth no more than a miss. A
    /// store keeps those of a [newer](DecodeErrorKind::Newer) version: while versions are mixed, another
    /// instance reads them.
    pub fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        Self::decode_with(bytes, |inputs| Some(CacheKey::of_inputs(inputs)))?.ok_or(CORRUPT)
    }

    /// Reads an entry, unless it is one for another key.
    #[cfg(feature = "redis")]
    pub(crate) fn decode_for(key: &CacheKey, bytes: &Bytes) -> Result<Option<Self>, DecodeError> {
        Self::decode_with(bytes, |inputs| {
            (key.inputs() == inputs).then(|| key.without_request())
        })
    }

    fn decode_with(
        bytes: &Bytes,
        key: impl FnOnce(&[u8]) -> Option<CacheKey>,
    ) -> Result<Option<Self>, DecodeError> {
        let mut fixed = Reader(bytes);
        if fixed.take(MAGIC.len()).ok() != Some(&MAGIC[..]) {
            return Err(FOREIGN);
        }
        if fixed.u8()? != VERSION {
            return Err(NEWER);
        }
        let content = bytes.len().checked_sub(CHECKSUM).ok_or(CORRUPT)?;
        let checksum = Reader(&bytes[content..]).u64()?;
        if checksum != xxh3_64(&bytes[..content]) {
            return Err(CORRUPT);
        }

        let length = usize::from(fixed.u16()?);
        if length < FIXED || length > content {
            return Err(CORRUPT);
        }
        let flags = fixed.u16()?;
        if flags & !KNOWN_FLAGS != 0 {
            return Err(NEWER);
        }
        let status = StatusCode::from_u16(fixed.u16()?).map_err(|_| CORRUPT)?;
        let answered_at = UNIX_EPOCH.checked_add(fixed.micros()?).ok_or(CORRUPT)?;
        let fill_time = fixed.micros()?;
        let freshness = Freshness {
            lifetime: fixed.micros()?,
            initial_age: fixed.micros()?,
            stale_while_revalidate: fixed.micros()?,
            stale_if_error: fixed.micros()?,
            must_revalidate: flags & MUST_REVALIDATE != 0,
        };
        let mut rest = Reader(&bytes[length..content]);
        let mut section = || {
            let length = fixed.u32()?;
            rest.take(length as usize)
        };
        let Some(key) = key(section()?) else {
            return Ok(None);
        };
        Ok(Some(Self {
            key,
            vary: decode_vary(section()?)?,
            tags: decode_tags(section()?)?.into(),
            headers: decode_headers(section()?, bytes)?,
            body: unpacked(bytes.slice_ref(rest.0), flags)?,
            status,
            answered_at,
            fill_time,
            freshness,
            content: Content::of_flags(flags),
            known: KnownUntil::default(),
        }))
    }
}

// === impl Content ===

impl Content {
    fn flag(&self) -> u16 {
        match self {
            Self::Answer => 0,
            #[cfg(feature = "objects")]
            Self::Object(_) => OBJECT,
        }
    }

    fn of_flags(flags: u16) -> Self {
        #[cfg(feature = "objects")]
        if flags & OBJECT != 0 {
            return Self::Object(super::Read::default());
        }
        let _ = flags;
        Self::Answer
    }
}

// === impl DecodeError ===

impl DecodeError {
    /// Returns why the bytes are not read as an entry.
    #[must_use]
    pub fn kind(&self) -> DecodeErrorKind {
        self.0
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            DecodeErrorKind::Foreign => "not an entry of this cache",
            DecodeErrorKind::Newer => "an entry of a later version",
            DecodeErrorKind::Corrupt => "a corrupt entry",
        })
    }
}

impl std::error::Error for DecodeError {}

// === writing ===

pub(crate) fn encode_vary(vary: &Vary) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = Writer(&mut bytes);
    for field in vary.fields() {
        out.name(field.name.as_str());
        match &field.value {
            Value::Missing => {
                out.bytes(&[0]);
                out.u16(0);
            }
            Value::Lines(lines) => {
                out.bytes(&[1]);
                out.u16(1);
                out.value(lines);
            }
            Value::Languages(languages) => {
                out.bytes(&[2]);
                // A field of a request has fewer members than that.
                out.u16(languages.len() as u16);
                for language in languages {
                    out.value(language);
                }
            }
        }
    }
    bytes
}

fn encode_tags(tags: &[Tag]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = Writer(&mut bytes);
    for tag in tags {
        out.name(tag.as_str());
    }
    bytes
}

fn encode_headers(headers: &HeaderMap) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = Writer(&mut bytes);
    // A header map holds at most 2^15 values.
    out.u16(headers.len() as u16);
    for (name, value) in headers {
        out.name(name.as_str());
        let length = value.len() as u32;
        out.u32(match value.is_sensitive() {
            true => length | SENSITIVE,
            false => length,
        });
        out.bytes(value.as_bytes());
    }
    bytes
}

/// Writes numbers and what has its length before it.
///
/// Nothing that a server accepts is longer than a length can say. What were longer would be written
/// in a way that is not read again.
struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn u16(&mut self, number: u16) {
        self.bytes(&number.to_le_bytes());
    }

    fn u32(&mut self, number: u32) {
        self.bytes(&number.to_le_bytes());
    }

    fn micros(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.bytes(&micros.to_le_bytes());
    }

    fn length(&mut self, bytes: &[u8]) {
        self.u32(bytes.len().try_into().unwrap_or(u32::MAX));
    }

    fn value(&mut self, value: &[u8]) {
        self.length(value);
        self.bytes(value);
    }

    fn name(&mut self, name: &str) {
        self.u16(name.len().try_into().unwrap_or(u16::MAX));
        self.bytes(name.as_bytes());
    }
}

// === reading ===

fn unpacked(body: Bytes, flags: u16) -> Result<Bytes, DecodeError> {
    #[cfg(feature = "lz4")]
    if flags & PACKED != 0 {
        return super::packed::unpack(&body).ok_or(CORRUPT);
    }
    let _ = flags;
    Ok(body)
}

fn decode_vary(section: &[u8]) -> Result<Vary, DecodeError> {
    let mut section = Reader(section);
    let mut fields = Vec::new();
    while section.0.has_remaining() {
        let name = section.header_name()?;
        let value = match (section.u8()?, section.u16()?) {
            (0, 0) => Value::Missing,
            (1, 1) => Value::Lines(section.value()?.into()),
            (2, count) => {
                let languages = (0..count).map(|_| section.value().map(Into::into));
                Value::Languages(languages.collect::<Result<_, _>>()?)
            }
            _ => return Err(CORRUPT),
        };
        fields.push(Field { name, value });
    }
    Ok(Vary::from_fields(fields))
}

fn decode_tags(section: &[u8]) -> Result<Vec<Tag>, DecodeError> {
    let mut section = Reader(section);
    let mut tags = Vec::new();
    while section.0.has_remaining() {
        let text = section.name()?;
        let text = std::str::from_utf8(text).map_err(|_| CORRUPT)?;
        let tag = Tag::new(text);
        // A text that is too long for a tag was never written.
        if tag.as_str() != text {
            return Err(CORRUPT);
        }
        tags.push(tag);
    }
    Ok(tags)
}

/// Reads headers whose values are views of `bytes`, of which the section is a part.
fn decode_headers(section: &[u8], bytes: &Bytes) -> Result<HeaderMap, DecodeError> {
    let mut section = Reader(section);
    let count = section.u16()?;
    let mut headers = HeaderMap::try_with_capacity(count.into()).map_err(|_| CORRUPT)?;
    for _ in 0..count {
        let name = section.header_name()?;
        let length = section.u32()?;
        let value = section.take((length & !SENSITIVE) as usize)?;
        let mut value =
            HeaderValue::from_maybe_shared(bytes.slice_ref(value)).map_err(|_| CORRUPT)?;
        value.set_sensitive(length & SENSITIVE != 0);
        headers.try_append(name, value).map_err(|_| CORRUPT)?;
    }
    if section.0.has_remaining() {
        return Err(CORRUPT);
    }
    Ok(headers)
}

/// What is left to be read. Reading beyond the end is an error and takes nothing.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(CORRUPT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        self.0.try_get_u8().map_err(|_| CORRUPT)
    }

    fn u16(&mut self) -> Result<u16, DecodeError> {
        self.0.try_get_u16_le().map_err(|_| CORRUPT)
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        self.0.try_get_u32_le().map_err(|_| CORRUPT)
    }

    fn u64(&mut self) -> Result<u64, DecodeError> {
        self.0.try_get_u64_le().map_err(|_| CORRUPT)
    }

    fn micros(&mut self) -> Result<Duration, DecodeError> {
        self.u64().map(Duration::from_micros)
    }

    fn value(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    fn name(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.u16()?;
        self.take(length.into())
    }

    fn header_name(&mut self) -> Result<HeaderName, DecodeError> {
        let name = self.name()?;
        HeaderName::from_lowercase(name).map_err(|_| CORRUPT)
    }
}

#[cfg(test)]
mod tests;
