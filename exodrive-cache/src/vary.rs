//! Which header fields of a request an answer was selected by (RFC 9111, section 4.1).

use std::fmt;

use http::header::{ACCEPT_LANGUAGE, HeaderMap, HeaderName, VARY};

/// The fields that `Vary` names, with the values of the request that was answered.
///
/// Values are compared in a normal form: lines joined, and no whitespace around list members.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Vary(Box<[Field]>);

/// A field and what the request said in it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: HeaderName,
    pub(crate) value: Value,
}

/// The value of a field. It may be a secret, so it is never printed.
#[derive(Clone, Eq, Hash, PartialEq)]
pub(crate) enum Value {
    /// The request does not have the field.
    Missing,
    /// The lines of the field, in normal form.
    Lines(Box<[u8]>),
    /// The members of `Accept-Language`, once each, in lower case and sorted: language tags do not depend on case,
    /// and their weights, not their order, say which one the client prefers (RFC 9110, section 12.5.4).
    Languages(Box<[Box<[u8]>]>),
}

// === impl Vary ===

impl Vary {
    /// Notes what an answer was selected by, or returns `None` if no other request can be known to
    /// select it, too: `Vary` names `*` or something that is no field name.
    pub(crate) fn of(response: &HeaderMap, request: &HeaderMap) -> Option<Self> {
        let fields = names(response)?.into_iter().map(|name| {
            let value = Value::of(request, &name);
            Field { name, value }
        });
        Some(Self(fields.collect()))
    }

    /// Notes what a request says in fields of these names.
    #[cfg(feature = "redis")]
    pub(crate) fn of_names(names: &[HeaderName], request: &HeaderMap) -> Self {
        let fields = names.iter().map(|name| Field {
            name: name.clone(),
            value: Value::of(request, name),
        });
        Self(fields.collect())
    }

    /// Returns the names of the fields, sorted.
    #[cfg(feature = "redis")]
    pub(crate) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.iter().map(|field| &field.name)
    }

    /// Puts together what was taken apart by [`Self::fields`].
    pub(crate) fn from_fields(fields: Vec<Field>) -> Self {
        Self(fields.into())
    }

    /// Returns the fields, sorted by name.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.0
    }

    /// Returns whether another request selects the same answer.
    pub(crate) fn matches(&self, request: &HeaderMap) -> bool {
        self.0.iter().all(|field| match &field.value {
            Value::Missing => !request.contains_key(&field.name),
            Value::Lines(lines) => {
                request.contains_key(&field.name) && equals(lines, request, &field.name)
            }
            Value::Languages(languages) => speaks(languages, request),
        })
    }
}

impl Value {
    fn of(request: &HeaderMap, name: &HeaderName) -> Self {
        if !request.contains_key(name) {
            return Self::Missing;
        }
        let members = members(request, name);
        if name == ACCEPT_LANGUAGE {
            let mut languages: Vec<Box<[u8]>> = members
                .map(|member| member.to_ascii_lowercase().into())
                .collect();
            languages.sort_unstable();
            languages.dedup();
            return Self::Languages(languages.into());
        }
        let members: Vec<&[u8]> = members.collect();
        Self::Lines(members.join(&b',').into())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "Missing",
            Self::Lines(_) => "Lines",
            Self::Languages(_) => "Languages",
        })
    }
}

/// Returns the field names of all lines of `Vary`, sorted and once each.
pub(crate) fn names(response: &HeaderMap) -> Option<Vec<HeaderName>> {
    let mut names = Vec::new();
    for member in members(response, &VARY) {
        if !member.is_empty() {
            // `*` is a name by its letters, and must not be taken for one.
            let name = HeaderName::from_bytes(member).ok()?;
            if name == "*" {
                return None;
            }
            names.push(name);
        }
    }
    names.sort_unstable_by(|one, two| one.as_str().cmp(two.as_str()));
    names.dedup();
    Some(names)
}

/// Compares a value in normal form with the lines of a request, without writing those down.
fn equals(value: &[u8], request: &HeaderMap, name: &HeaderName) -> bool {
    let mut rest = Some(value);
    for member in members(request, name) {
        let Some(after) = rest.and_then(|rest| rest.strip_prefix(member)) else {
            return false;
        };
        // Behind a member comes a comma or nothing, and behind nothing comes no member.
        rest = match after {
            [] => None,
            [b',', after @ ..] => Some(after),
            _ => return false,
        };
    }
    rest.is_none()
}

/// Returns whether a request lists these languages and no others, in whatever order.
///
/// Of more languages than anybody speaks it is not known, which costs a miss.
fn speaks(languages: &[Box<[u8]>], request: &HeaderMap) -> bool {
    // One bit for each language that was met.
    let mut met = 0_u64;
    for member in members(request, &ACCEPT_LANGUAGE) {
        let mut known = languages.iter().take(64);
        match known.position(|known| known.eq_ignore_ascii_case(member)) {
            Some(place) => met |= 1 << place,
            None => return false,
        }
    }
    // A field that is there has at least one member, be it empty; so nothing is met only where there is no field.
    met != 0 && met.count_ones() as usize == languages.len()
}

/// Returns the members of a list field, all lines taken together, without whitespace around them.
///
/// Commas in quoted strings do not separate.
fn members<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).iter().flat_map(|line| {
        let (mut quoted, mut escaped) = (false, false);
        line.as_bytes()
            .split(move |&byte| {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = quoted,
                    b'"' => quoted = !quoted,
                    _ => {}
                }
                byte == b',' && !quoted
            })
            .map(<[u8]>::trim_ascii)
    })
}

#[cfg(test)]
mod tests;
