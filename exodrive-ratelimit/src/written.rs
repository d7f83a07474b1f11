//! The text that stands for a subject wherever it is kept.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::Subject;
use crate::subject::Tag;

/// How long the text may be before a digest stands for it.
const LONGEST: usize = 96;

/// Writes a subject legibly, except that a digest stands for API keys, which are secrets, and for what is long.
///
/// No two subjects are written alike, and none with a brace or a space.
pub(crate) fn written(subject: &Subject) -> String {
    let mut kind = "";
    let mut written = String::with_capacity(32);
    subject.visit(|tag, part| {
        if kind.is_empty() {
            kind = match tag {
                Tag::Ipv4 | Tag::Ipv6 => "ip",
                Tag::User => "user",
                Tag::ApiKey => "key",
                Tag::Custom => "custom",
            };
            written.push_str(kind);
        }
        written.push('/');
        match address(tag, part) {
            // Writing to a `String` cannot fail.
            Some(address) => drop(write!(written, "{address}")),
            None => escape(&mut written, part),
        }
    });
    if kind == "key" || written.len() > LONGEST {
        // 128 bits of it, after a sign that no written form begins with.
        let digest = blake3::hash(written.as_bytes()).to_hex();
        written.truncate(kind.len());
        written.push('#');
        written.push_str(&digest[..32]);
    }
    written
}

fn address(tag: Tag, octets: &[u8]) -> Option<IpAddr> {
    match tag {
        Tag::Ipv4 => Some(<[u8; 4]>::try_from(octets).ok()?.into()),
        Tag::Ipv6 => Some(<[u8; 16]>::try_from(octets).ok()?.into()),
        Tag::User | Tag::ApiKey | Tag::Custom => None,
    }
}

/// Percent-encodes everything that could be taken for more than text.
pub(crate) fn escape(text: &mut String, part: &[u8]) {
    for &byte in part {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'@' => {
                text.push(byte.into());
            }
            _ => drop(write!(text, "%{byte:02x}")),
        }
    }
}
