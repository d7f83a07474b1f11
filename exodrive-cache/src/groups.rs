//! Cache groups (RFC 9875).

use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{BareItem, List, ListEntry, ListSerializer, Parser, StringRef};

use crate::Tag;

/// The groups that an answer is in (RFC 9875, section 2).
pub(crate) const CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");
/// The groups that a change invalidates (RFC 9875, section 3).
pub(crate) const CACHE_GROUP_INVALIDATION: HeaderName =
    HeaderName::from_static("cache-group-invalidation");

/// Returns the groups that a field names, as tags; none if it is not a list of strings (RFC 9651, section 4.2).
///
/// Under an `authority`, groups of one name on two origins are two groups (RFC 9875, section 2.1). Without one they
/// are the application's own tags.
pub(crate) fn tags(headers: &HeaderMap, name: &HeaderName, authority: Option<&str>) -> Vec<Tag> {
    let lines: Vec<&[u8]> = headers
        .get_all(name)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    let Ok(members) = Parser::new(&lines.join(&b","[..])).parse::<List>() else {
        return Vec::new();
    };
    let groups: Option<Vec<Tag>> = members
        .iter()
        .map(|member| match member {
            ListEntry::Item(item) => match &item.bare_item {
                BareItem::String(group) => Some(tag(group.as_str(), authority)),
                _ => None,
            },
            ListEntry::InnerList(_) => None,
        })
        .collect();
    groups.unwrap_or_default()
}

fn tag(group: &str, authority: Option<&str>) -> Tag {
    match authority {
        Some(authority) => {
            let authority = authority.to_ascii_lowercase();
            Tag::new(format!("group://{authority} {group}"))
        }
        None => Tag::new(group),
    }
}

/// Writes tags as the groups of an answer. One that is not printable ASCII cannot be written, and is left out.
pub(crate) fn field(tags: &[Tag]) -> Option<HeaderValue> {
    let mut field = ListSerializer::new();
    for tag in tags {
        if let Ok(group) = StringRef::from_str(tag.as_str()) {
            let _ = field.bare_item(group);
        }
    }
    field.finish()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::headers;
    use crate::tag;

    fn named(lines: &[(&'static str, &str)]) -> Vec<String> {
        let tags = tags(&headers(lines), &CACHE_GROUPS, None);
        tags.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn reads_lists_of_strings() {
        let lines = [
            ("cache-groups", r#""car:1", "a \"b\"";x=1"#),
            ("cache-groups", r#""fleet""#),
        ];
        assert_eq!(named(&lines), ["car:1", "a \"b\"", "fleet"]);
        assert!(named(&[]).is_empty());
    }

    #[test]
    fn ignores_a_field_of_another_kind() {
        for line in [
            "car",
            "1",
            "\"a\", b",
            "(\"a\")",
            "\"a",
            "\"a\",",
            "\"\u{e4}\"",
        ] {
            assert!(named(&[("cache-groups", line)]).is_empty(), "{line}");
        }
    }

    #[test]
    fn groups_of_two_origins_are_two_groups() {
        let line = headers(&[("cache-groups", "\"a\"")]);
        let of = |authority| tags(&line, &CACHE_GROUPS, Some(authority));
        assert_eq!(of("Cars.example"), of("cars.example"));
        assert_ne!(of("cars.example"), of("bikes.example"));
        assert_ne!(of("cars.example"), [tag!("a")]);
    }

    #[test]
    fn writes_what_it_reads() {
        let tags: Vec<_> = (0..32).map(|n| tag!("{n} \"quoted\" \\ ")).collect();
        let mut written = HeaderMap::new();
        written.insert(CACHE_GROUPS, field(&tags).unwrap());
        assert_eq!(super::tags(&written, &CACHE_GROUPS, None), tags);
    }

    #[test]
    fn leaves_out_what_cannot_be_written() {
        assert_eq!(field(&[tag!("caf\u{e9}"), tag!("a")]).unwrap(), "\"a\"");
        assert_eq!(field(&[tag!("caf\u{e9}")]), None);
    }
}
