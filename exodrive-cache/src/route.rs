//! Route templates: `/cars/{id}/availability`.

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
                // Before the first slash there is nothing, and some processors are slow to compare nothing: the
                // pointer to it is read under an empty mask, and there is no memory behind it.
                Segment::Literal(literal) if literal.is_empty() && value.is_empty() => {}
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

    pub(crate) fn has_parameter(&self, wanted: &str) -> bool {
        self.segments
            .iter()
            .any(|segment| matches!(segment, Segment::Parameter(name) if **name == *wanted))
    }
}

// === impl Parameters ===

impl Parameters<'_> {
    pub(crate) fn value(&self, wanted: &str) -> Option<&str> {
        // A hit has no use for the values, so they are looked for when a tag asks.
        let mut given = self.segments.iter().zip(self.path.split('/'));
        given.find_map(|(segment, value)| match segment {
            Segment::Parameter(name) => (**name == *wanted).then_some(value),
            Segment::Literal(_) => None,
        })
    }
}

fn parameter_name(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
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
    fn knows_its_parameters() {
        let route = Route::parse("/shops/{shop}/cars/{id}");
        assert!(route.has_parameter("shop"));
        assert!(!route.has_parameter("cars"));
        let parameters = route.matches("/shops/berlin/cars/7").unwrap();
        assert_eq!(parameters.value("shop"), Some("berlin"));
        assert_eq!(parameters.value("id"), Some("7"));
    }
}
