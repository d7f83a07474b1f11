//! Tags: the names under which entries can be invalidated.

use std::fmt;
use std::sync::Arc;

/// The longest tag that is kept as written, in bytes (RFC 9875, section 2 asks caches for at least 32).
const MAX_LENGTH: usize = 128;

/// A name that entries carry and that an invalidation names.
///
/// A tag is any text. One longer than 128 bytes is replaced by its BLAKE3 hash, so that text from a
/// request path can be put into a tag without a limit to check: equal texts stay equal tags.
///
/// ```
/// use exodrive_cache::{Tag, tag};
///
/// let id = 7;
/// assert_eq!(tag!("car:{id}"), Tag::new("car:7"));
/// assert_eq!(Tag::new("a".repeat(1000)).as_str().len(), 64);
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tag(Arc<str>);

/// Tags that a handler adds to its answer, through the response's extensions.
///
/// They join the tags of the policy, and are what makes an answer built from several objects
/// removable when any one of them changes.
#[derive(Clone, Debug, Default)]
pub struct ResponseTags(Vec<Tag>);

/// Formats a [`Tag`]: `tag!("car:{}", car.id)`.
#[macro_export]
macro_rules! tag {
    ($($argument:tt)*) => {
        $crate::Tag::new(::std::format!($($argument)*))
    };
}

// === impl Tag ===

impl Tag {
    /// Makes a tag of any text.
    pub fn new(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        if text.len() <= MAX_LENGTH {
            return Self(text.into());
        }
        Self(blake3::hash(text.as_bytes()).to_hex().as_str().into())
    }

    /// Returns the tag's text, or the 64 hexadecimal digits that stand for a text over 128 bytes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl ResponseTags ===

impl ResponseTags {
    /// Gathers the tags of an answer.
    pub fn new(tags: impl IntoIterator<Item = Tag>) -> Self {
        Self(tags.into_iter().collect())
    }

    pub(crate) fn as_slice(&self) -> &[Tag] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_stay_distinct() {
        let (one, two) = ("a".repeat(200), "a".repeat(201));
        assert_ne!(Tag::new(&one), Tag::new(&two));
        assert_eq!(Tag::new(&one), Tag::new(&one));
    }

    #[test]
    fn a_text_at_the_limit_is_kept() {
        let text = "x".repeat(MAX_LENGTH);
        assert_eq!(Tag::new(&text).as_str(), text);
    }
}
