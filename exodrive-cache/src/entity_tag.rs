//! Entity tags: what a client or a store knows an answer's exact content by.

use http::HeaderValue;
use http::header::{ETAG, HeaderMap};

use crate::sole::sole;

/// An entity tag (RFC 9110, section 8.8.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct EntityTag<'a> {
    weak: bool,
    opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// Reads the tag of an answer, if it has exactly one, and that is well-formed.
    pub(crate) fn of(headers: &'a HeaderMap) -> Option<Self> {
        Self::parse(sole(headers, &ETAG)?.as_bytes())
    }

    /// Reads a tag that stands alone.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        match Self::split_first(text.trim_ascii()) {
            Some((tag, b"")) => Some(tag),
            _ => None,
        }
    }

    /// Returns whether both are strong and equal: the contents are the same byte for byte
    /// (RFC 9110, section 8.8.3.2).
    pub(crate) fn equals_strongly(self, other: Self) -> bool {
        !self.weak && self == other
    }

    /// Returns whether both are equal, be they weak or strong: one content can stand for the other.
    pub(crate) fn equals_weakly(self, other: Self) -> bool {
        self.opaque == other.opaque
    }

    pub(crate) fn is_weak(self) -> bool {
        self.weak
    }

    /// Returns whether the list in `text` has a member that equals the tag weakly.
    ///
    /// The list ends where it is malformed.
    pub(crate) fn is_listed_in(self, mut text: &[u8]) -> bool {
        loop {
            text = text.trim_ascii_start();
            if let [b',', rest @ ..] = text {
                text = rest;
                continue;
            }
            let Some((tag, rest)) = EntityTag::split_first(text) else {
                return false;
            };
            let rest = rest.trim_ascii_start();
            if !matches!(rest.first(), None | Some(b',')) {
                return false;
            }
            if self.equals_weakly(tag) {
                return true;
            }
            text = rest;
        }
    }

    fn split_first(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        // `W` is written in capitals only.
        let (weak, text) = match text.strip_prefix(b"W/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let text = text.strip_prefix(b"\"")?;
        let end = text.iter().position(|&byte| byte == b'"')?;
        let opaque = &text[..end];
        // Anything visible but a quote, without any escape; spaces end the tag's validity.
        opaque
            .iter()
            .all(|&byte| byte > b' ' && byte != 0x7f)
            .then_some((Self { weak, opaque }, &text[end + 1..]))
    }
}

/// Makes the strong tag of a content: 128 bits of its BLAKE3 hash.
pub(crate) fn strong_etag(body: &[u8]) -> HeaderValue {
    let digest = blake3::hash(body).to_hex();
    let tag = format!("\"{}\"", &digest[..32]);
    HeaderValue::try_from(tag).expect("quotes and hexadecimal digits are visible ASCII")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::headers;

    fn tag(text: &str) -> EntityTag<'_> {
        EntityTag::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn compares_as_the_standard_tabulates() {
        // RFC 9110, section 8.8.3.2.
        for (one, two, strongly, weakly) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
        ] {
            assert_eq!(tag(one).equals_strongly(tag(two)), strongly, "{one} {two}");
            assert_eq!(tag(two).equals_strongly(tag(one)), strongly, "{two} {one}");
            assert_eq!(tag(one).equals_weakly(tag(two)), weakly, "{one} {two}");
        }
    }

    #[test]
    fn reads_well_formed_tags_only() {
        for text in ["\"\"", "\"abc\"", "W/\"a,b\"", " \"a\" ", "\"\\\"", "\"ü\""] {
            assert!(EntityTag::parse(text.as_bytes()).is_some(), "{text}");
        }
        for text in [
            "",
            "abc",
            "\"abc",
            "abc\"",
            "w/\"a\"",
            "W\"a\"",
            "W/ \"a\"",
            "\"a\"b",
            "\"a\", \"b\"",
            "\"a b\"",
            "*",
            "'a'",
        ] {
            assert!(EntityTag::parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn an_answer_with_two_tags_has_none() {
        assert!(EntityTag::of(&headers(&[("etag", "\"a\"")])).is_some());
        assert!(EntityTag::of(&headers(&[("etag", "\"a\""), ("etag", "\"a\"")])).is_none());
        assert!(EntityTag::of(&headers(&[])).is_none());
    }

    #[test]
    fn finds_itself_in_a_list() {
        let listed = |text: &str| tag("\"a,b\"").is_listed_in(text.as_bytes());
        for text in [
            "\"a,b\"",
            "W/\"a,b\"",
            "\"x\", \"a,b\", \"y\"",
            "\"x\",\"a,b\"",
            " , ,\t\"a,b\" ,",
        ] {
            assert!(listed(text), "{text}");
        }
        for text in [
            "",
            ",",
            "a,b",
            "\"a\", \"b\"",
            "\"x\" \"a,b\"",
            "x, \"a,b\"",
            "\"a,b\"x",
        ] {
            assert!(!listed(text), "{text}");
        }
    }

    #[test]
    fn makes_a_strong_tag_of_a_content() {
        let value = strong_etag(b"a car");
        assert_eq!(value.len(), 34);
        let made = EntityTag::parse(value.as_bytes()).unwrap();
        assert!(!made.is_weak());
        assert_eq!(strong_etag(b"a car"), value);
        assert_ne!(strong_etag(b"a cat"), value);
    }

    proptest! {
        #[test]
        fn is_listed_among_any_others(
            before in proptest::collection::vec("(W/)?\"[a-z,]{0,3}\"", 0..4),
            after in proptest::collection::vec("(W/)?\"[a-z,]{0,3}\"", 0..4),
        ) {
            let list = [before, vec!["\"X\"".to_owned()], after].concat();
            prop_assert!(tag("\"X\"").is_listed_in(list.join(", ").as_bytes()));
            prop_assert!(!tag("\"Y\"").is_listed_in(list.join(",").as_bytes()));
        }

        #[test]
        fn reads_any_bytes(text in proptest::collection::vec(any::<u8>(), 0..24)) {
            let _ = EntityTag::parse(&text);
            prop_assert!(!tag("\"too long to be met by chance\"".replace(' ', "-").as_str()).is_listed_in(&text));
        }
    }
}
