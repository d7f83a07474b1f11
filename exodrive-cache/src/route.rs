//! Route templates: `/cars/{id}/availability`.

use crate::Tag;

/// A path with named segments, as routers write it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Route {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Segment {
    Literal(Box<str>),
    Parameter(Box<str>),
}

/// A tag with the names of route parameters in it: `availability:{id}`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TagTemplate {
    text: Box<str>,
}

/// The values that a path gave to the parameters of its route.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Parameters<'a> {
    segments: &'a [Segment],
    path: &'a str,
}

// === impl Route ===

impl Route {
    pub(crate) fn parse(template: &str) -> Self {
        let segments = template
            .split('/')
            .map(|segment| match parameter_name(segment) {
                Some(name) => Segment::Parameter(name.into()),
                None => Segment::Literal(segment.into()),
            })
            .collect();
        Self { segments }
    }

    /// Matches a raw path, segment by segment and byte by byte.
    ///
    /// Nothing is decoded: what looks different to the router is different here, too.
    pub(crate) fn matches<'a>(&'a self, path: &'a str) -> Option<Parameters<'a>> {
        let mut given = path.as_bytes().split(|&byte| byte == b'/');
        for segment in &self.segments {
            let value = given.next()?;
            match segment {
                Segment::Literal(literal) if literal.as_bytes() == value => {}
                Segment::Literal(_) => return None,
                Segment::Parameter(_) if value.is_empty() => return None,
                Segment::Parameter(_) => {}
            }
        }
        given.next().is_none().then_some(Parameters {
            segments: &self.segments,
            path,
        })
    }

    fn has_parameter(&self, wanted: &str) -> bool {
        self.segments
            .iter()
            .any(|segment| matches!(segment, Segment::Parameter(name) if **name == *wanted))
    }
}

// === impl TagTemplate ===

impl TagTemplate {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.into() }
    }

    /// Returns the first parameter of the template that `route` does not have.
    pub(crate) fn unknown_parameter(&self, route: Option<&Route>) -> Option<&str> {
        pieces(&self.text).find_map(|piece| match piece {
            Piece::Parameter(name) if !route.is_some_and(|route| route.has_parameter(name)) => {
                Some(name)
            }
            Piece::Parameter(_) | Piece::Text(_) => None,
        })
    }

    pub(crate) fn fill(&self, parameters: &Parameters<'_>) -> Tag {
        let mut text = String::with_capacity(self.text.len() + 16);
        for piece in pieces(&self.text) {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Parameter(name) => text.push_str(parameters.value(name).unwrap_or_default()),
            }
        }
        Tag::new(text)
    }
}

// === impl Parameters ===

impl Parameters<'_> {
    fn value(&self, wanted: &str) -> Option<&str> {
        // A hit has no use for the values, so they are looked for when a tag asks.
        let mut given = self.segments.iter().zip(self.path.split('/'));
        given.find_map(|(segment, value)| match segment {
            Segment::Parameter(name) => (**name == *wanted).then_some(value),
            Segment::Literal(_) => None,
        })
    }
}

enum Piece<'a> {
    Text(&'a str),
    Parameter(&'a str),
}

fn parameter_name(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
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

    #[test]
    fn matches_whole_paths_only() {
        let route = Route::parse("/cars/{id}/availability");
        let parameters = route.matches("/cars/7/availability").unwrap();
        assert_eq!(parameters.value("id"), Some("7"));
        assert_eq!(parameters.value("cars"), None);
        for path in [
            "/cars/7",
            "/cars/7/availability/",
            "/cars//availability",
            "/cars/7/8/availability",
            "/Cars/7/availability",
            "",
        ] {
            assert!(route.matches(path).is_none(), "{path}");
        }
    }

    #[test]
    fn fills_tags_from_the_path() {
        let route = Route::parse("/shops/{shop}/cars/{id}");
        let parameters = route.matches("/shops/berlin/cars/7").unwrap();
        let template = TagTemplate::new("car:{shop}:{id}");
        assert_eq!(template.fill(&parameters), Tag::new("car:berlin:7"));
        assert_eq!(template.unknown_parameter(Some(&route)), None);
    }

    #[test]
    fn finds_parameters_that_the_route_lacks() {
        let route = Route::parse("/cars/{id}");
        let template = TagTemplate::new("car:{id}:{shop}");
        assert_eq!(template.unknown_parameter(Some(&route)), Some("shop"));
        assert_eq!(template.unknown_parameter(None), Some("id"));
        assert_eq!(TagTemplate::new("a{b").unknown_parameter(None), None);
    }
}
