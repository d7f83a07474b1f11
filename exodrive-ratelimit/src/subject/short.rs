//! Ids that are kept in place.

/// How long an id may be: a UUID is written in 36 bytes.
const LONGEST: usize = 37;

/// A text that is short enough to need no allocation, as the ids of users mostly are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Short {
    length: u8,
    /// The text, then zeros.
    bytes: [u8; LONGEST],
}

impl Short {
    /// The text in place; `None` if it is too long.
    #[inline]
    pub(super) fn new(text: &str) -> Option<Self> {
        let length = u8::try_from(text.len()).ok()?;
        let mut bytes = [0; LONGEST];
        bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        Some(Self { length, bytes })
    }

    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length.into()).unwrap_or_default()
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_comes_out_as_it_went_in() {
        for text in ["", "a", "ä\0", &"x".repeat(LONGEST)] {
            assert_eq!(Short::new(text).unwrap().as_str(), text);
        }
        assert!(Short::new(&"x".repeat(LONGEST + 1)).is_none());
        assert!(Short::new(&"x".repeat(256)).is_none());
    }

    #[test]
    fn zeros_at_the_end_tell_texts_apart() {
        assert!(Short::new("a") != Short::new("a\0"));
    }
}
