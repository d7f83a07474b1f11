//! Tags with places to be filled: `availability:{id}`.

use std::borrow::Cow;
use std::fmt;

use crate::Tag;

/// A tag with the names of parameters in it: `availability:{id}`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TagTemplate {
    text: Box<str>,
}

enum Piece<'a> {
    Text(&'a str),
    Parameter(&'a str),
}

impl TagTemplate {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.into() }
    }

    pub(crate) fn parameters(&self) -> impl Iterator<Item = &str> {
        pieces(&self.text).filter_map(|piece| match piece {
            Piece::Parameter(name) => Some(name),
            Piece::Text(_) => None,
        })
    }

    /// Fills the places, or returns the first parameter that has no value.
    pub(crate) fn fill<'v>(
        &self,
        value: impl Fn(&str) -> Option<Cow<'v, str>>,
    ) -> Result<Tag, &str> {
        let mut text = String::with_capacity(self.text.len() + 16);
        for piece in pieces(&self.text) {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Parameter(name) => text.push_str(&value(name).ok_or(name)?),
            }
        }
        Ok(Tag::new(text))
    }

    /// Returns whether both templates can be filled to the same tag.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let pattern = |template: &Self| {
            let pieces = pieces(&template.text).flat_map(|piece| match piece {
                Piece::Text(text) => text.bytes().map(Some).collect::<Vec<_>>(),
                Piece::Parameter(_) => vec![None],
            });
            pieces.collect::<Vec<_>>()
        };
        overlap(&pattern(self), &pattern(other))
    }
}

/// Returns whether some text matches both patterns, in which `None` stands for any text.
fn overlap(one: &[Option<u8>], two: &[Option<u8>]) -> bool {
    match (one, two) {
        ([], []) => true,
        ([None, rest @ ..], other) | (other, [None, rest @ ..]) => {
            let with_any = if one.first() == Some(&None) { one } else { two };
            overlap(rest, other) || matches!(other, [_, shorter @ ..] if overlap(with_any, shorter))
        }
        ([Some(a), one @ ..], [Some(b), two @ ..]) => a == b && overlap(one, two),
        ([], [_, ..]) | ([_, ..], []) => false,
    }
}

impl fmt::Display for TagTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Splits a template at its `{name}`s; a brace that is never closed is text.
fn pieces(mut rest: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, tail) = match rest.find('{') {
            Some(0) => match rest.find('}') {
                Some(end) => (Piece::Parameter(&rest[1..end]), &rest[end + 1..]),
                None => (Piece::Text(rest), ""),
            },
            Some(start) => (Piece::Text(&rest[..start]), &rest[start..]),
            None => (Piece::Text(rest), ""),
        };
        rest = tail;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag;

    #[test]
    fn is_filled_or_says_what_is_missing() {
        let template = TagTemplate::new("car:{shop}:{id}{");
        assert!(template.parameters().eq(["shop", "id"]));
        let filled = template.fill(|name| Some(name.to_uppercase().into()));
        assert_eq!(filled, Ok(tag!("car:SHOP:ID{{")));
        let known = |name: &str| (name == "shop").then_some("berlin".into());
        assert_eq!(template.fill(known), Err("id"));
    }

    #[test]
    fn overlaps_with_what_can_be_filled_alike() {
        for (one, two, expected) in [
            ("fleet", "fleet", true),
            ("fleet", "fleets", false),
            ("car:{id}", "car:{car_id}", true),
            ("car:{id}", "car:7", true),
            ("car:{id}", "bike:{id}", false),
            ("car:{shop}:{id}", "car:{id}", true),
            ("{any}", "fleet", true),
            ("{a}:x", "y:{b}", true),
            ("{a}:x", "{b}:y", false),
            ("car:{id}:price", "car:{id}:days", false),
        ] {
            let (first, second) = (TagTemplate::new(one), TagTemplate::new(two));
            assert_eq!(first.overlaps(&second), expected, "{one} {two}");
            assert_eq!(second.overlaps(&first), expected, "{two} {one}");
        }
    }
}
