//! Names of keys.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::subject::Tag;
use crate::{Rule, Subject};

/// How long the written form of a subject may be before a digest stands for it.
const LONGEST: usize = 96;

/// Names the keys of one store.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    namespace: String,
}

impl Keys {
    pub(super) fn new(namespace: &str) -> Self {
        let mut escaped = String::with_capacity(namespace.len());
        escape(&mut escaped, namespace.as_bytes());
        Self { namespace: escaped }
    }

    /// `namespace:{subject}:kind:limit`.
    ///
    /// The subject is the hash tag of Redis Cluster, so all keys of a subject are in one slot. Neither the namespace nor
    /// the subject contains a brace and the kind is one letter, so no two limits and subjects share a key.
    pub(super) fn of(&self, rule: Rule, limit: &str, subject: &Subject) -> String {
        let mut key = String::with_capacity(64);
        key.push_str(&self.namespace);
        key.push_str(":{");
        write_subject(&mut key, subject);
        key.push_str(match rule {
            Rule::Gcra(_) => "}:g:",
            Rule::Window(_) => "}:w:",
        });
        key.push_str(limit);
        key
    }
}

/// Writes a subject legibly, except that a digest stands for API keys, which are secrets, and for what is long.
fn write_subject(key: &mut String, subject: &Subject) {
    let mut kind = "";
    let mut written = String::new();
    subject.visit(|tag, part| {
        kind = match tag {
            Tag::Ipv4 | Tag::Ipv6 => "ip",
            Tag::User => "user",
            Tag::ApiKey => "key",
            Tag::Custom => "custom",
        };
        written.push('/');
        match address(tag, part) {
            // Writing to a `String` cannot fail.
            Some(address) => drop(write!(written, "{address}")),
            None => escape(&mut written, part),
        }
    });
    key.push_str(kind);
    if kind == "key" || written.len() > LONGEST {
        // 128 bits of it, after a sign that no written form begins with.
        let digest = blake3::hash(written.as_bytes()).to_hex();
        key.push('#');
        key.push_str(&digest[..32]);
    } else {
        key.push_str(&written);
    }
}

fn address(tag: Tag, octets: &[u8]) -> Option<IpAddr> {
    match tag {
        Tag::Ipv4 => Some(<[u8; 4]>::try_from(octets).ok()?.into()),
        Tag::Ipv6 => Some(<[u8; 16]>::try_from(octets).ok()?.into()),
        Tag::User | Tag::ApiKey | Tag::Custom => None,
    }
}

/// Percent-encodes everything that could be taken for more than text.
fn escape(key: &mut String, part: &[u8]) {
    for &byte in part {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'@' => {
                key.push(byte.into());
            }
            _ => drop(write!(key, "%{byte:02x}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limit, MINUTE};

    fn key(namespace: &str, limit: &str, subject: &Subject) -> String {
        let rule = Limit::sliding_window(limit, 1, MINUTE).way.rule().unwrap();
        Keys::new(namespace).of(rule, limit, subject)
    }

    #[test]
    fn keys_are_legible() {
        for (subject, expected) in [
            (
                Subject::ip([192, 0, 2, 1].into()),
                "rl:{ip/192.0.2.1}:w:public",
            ),
            (
                Subject::user("ada@example"),
                "rl:{user/ada@example}:w:public",
            ),
            (Subject::user("a}b:c"), "rl:{user/a%7db%3ac}:w:public"),
            (Subject::user(""), "rl:{user/}:w:public"),
            (
                Subject::custom("tenant", "7/8"),
                "rl:{custom/tenant/7%2f8}:w:public",
            ),
        ] {
            assert_eq!(key("rl", "public", &subject), expected);
        }
    }

    #[test]
    fn api_keys_and_long_ids_are_digests() {
        let secret = key("rl", "public", &Subject::api_key("sk-very-secret"));
        assert!(!secret.contains("secret"), "{secret}");
        let long = |last| key("rl", "public", &Subject::user("x".repeat(5_000) + last));
        assert!(long("a").len() < 100);
        assert_ne!(long("a"), long("b"));
    }

    #[test]
    fn nobody_can_write_anothers_key() {
        let honest = key("rl", "b}:w:c", &Subject::user("a"));
        assert_ne!(honest, key("rl", "c", &Subject::user("a}:w:b")));
        let custom = key("rl", "c", &Subject::custom("a/b", "c"));
        assert_ne!(custom, key("rl", "c", &Subject::custom("a", "b/c")));
        assert_ne!(
            key("a:{user", "c", &Subject::user("b")),
            key("a", "c", &Subject::user("b"))
        );
    }
}
