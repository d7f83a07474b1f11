use std::time::UNIX_EPOCH;

use proptest::prelude::*;

use super::*;
use crate::samples::headers;

const LAST_MODIFIED_AT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// Two seconds later.
fn received_at() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(784_111_779)
}

fn of(range: &str, length: usize) -> Selection {
    let request = headers(&[("range", range)]);
    select(
        &request,
        StatusCode::OK,
        &headers(&[]),
        received_at(),
        length,
    )
}

fn if_range(condition: &str, stored: &[(&'static str, &str)]) -> bool {
    let request = headers(&[("range", "bytes=0-1"), ("if-range", condition)]);
    select(
        &request,
        StatusCode::OK,
        &headers(stored),
        received_at(),
        10,
    ) != Selection::Full
}

fn part(bytes: Range<usize>, content_range: &'static str) -> Selection {
    Selection::Part(Part {
        bytes,
        content_range: HeaderValue::from_static(content_range),
    })
}

fn unsatisfiable(content_range: &'static str) -> Selection {
    Selection::Unsatisfiable {
        content_range: HeaderValue::from_static(content_range),
    }
}

#[test]
fn selects_a_single_range() {
    for (range, expected) in [
        ("bytes=0-1", part(0..2, "bytes 0-1/10")),
        ("bytes=0-0", part(0..1, "bytes 0-0/10")),
        ("bytes=9-9", part(9..10, "bytes 9-9/10")),
        ("bytes=1-", part(1..10, "bytes 1-9/10")),
        ("bytes=0-", part(0..10, "bytes 0-9/10")),
        ("bytes=-1", part(9..10, "bytes 9-9/10")),
        ("bytes=-10", part(0..10, "bytes 0-9/10")),
        ("bytes=-11", part(0..10, "bytes 0-9/10")),
        ("bytes=5-100", part(5..10, "bytes 5-9/10")),
        ("bytes=005-006", part(5..7, "bytes 5-6/10")),
        ("Bytes=5-6", part(5..7, "bytes 5-6/10")),
        ("bytes= , 5-6 ,", part(5..7, "bytes 5-6/10")),
        (
            "bytes=5-99999999999999999999999999",
            part(5..10, "bytes 5-9/10"),
        ),
        (
            "bytes=-99999999999999999999999999",
            part(0..10, "bytes 0-9/10"),
        ),
    ] {
        assert_eq!(of(range, 10), expected, "{range}");
    }
}

#[test]
fn says_how_long_the_body_is_when_it_ends_before() {
    for range in [
        "bytes=10-",
        "bytes=10-20",
        "bytes=99999999999999999999-",
        "bytes=-0",
    ] {
        assert_eq!(of(range, 10), unsatisfiable("bytes */10"), "{range}");
    }
    assert_eq!(of("bytes=0-0", 0), unsatisfiable("bytes */0"));
    assert_eq!(of("bytes=-0", 0), unsatisfiable("bytes */0"));
}

#[test]
fn sends_the_body_for_anything_else() {
    for range in [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=,",
        "bytes=a-b",
        "bytes=1",
        "bytes=2-1",
        "bytes=1-2-3",
        "bytes=--1",
        "bytes=+1-2",
        "bytes=0x1-2",
        "bytes=1 - 2",
        "bytes =1-2",
        " bytes:1-2",
        "bytes=0-1, 4-5",
        "bytes=0-1, 100-",
        "seconds=1-2",
        "bytes=1-2; x",
    ] {
        assert_eq!(of(range, 10), Selection::Full, "{range}");
    }
    assert_eq!(of("bytes=-5", 0), Selection::Full);
}

#[test]
fn does_not_choose_between_lines() {
    let request = headers(&[("range", "bytes=0-1"), ("range", "bytes=0-1")]);
    let selected = select(&request, StatusCode::OK, &headers(&[]), received_at(), 10);
    assert_eq!(selected, Selection::Full);
}

#[test]
fn only_a_complete_good_answer_has_parts() {
    let request = headers(&[("range", "bytes=0-1")]);
    for status in [
        StatusCode::NOT_FOUND,
        StatusCode::NO_CONTENT,
        StatusCode::CREATED,
    ] {
        let selected = select(&request, status, &headers(&[]), received_at(), 10);
        assert_eq!(selected, Selection::Full, "{status}");
    }
}

#[test]
fn a_part_is_sent_to_who_has_the_rest_of_the_same() {
    assert!(if_range("\"a\"", &[("etag", "\"a\"")]));
    for (condition, stored) in [
        ("\"a\"", "\"b\""),
        ("W/\"a\"", "\"a\""),
        ("\"a\"", "W/\"a\""),
        ("W/\"a\"", "W/\"a\""),
        ("\"a\", \"b\"", "\"a\""),
        ("a", "a"),
        ("*", "\"a\""),
    ] {
        assert!(
            !if_range(condition, &[("etag", stored)]),
            "{condition} {stored}"
        );
    }
    assert!(!if_range("\"a\"", &[]));
}

#[test]
fn a_date_has_to_be_exact_and_telling() {
    let modified = ("last-modified", LAST_MODIFIED_AT);
    assert!(if_range(LAST_MODIFIED_AT, &[modified]));
    assert!(if_range("Sunday, 06-Nov-94 08:49:37 GMT", &[modified]));
    assert!(!if_range("Sun, 06 Nov 1994 08:49:38 GMT", &[modified]));
    assert!(!if_range("Sun, 06 Nov 1994 08:49:36 GMT", &[modified]));
    assert!(!if_range(LAST_MODIFIED_AT, &[]));
    // An answer that was made in the second of its last change may have been changed again.
    assert!(!if_range(
        LAST_MODIFIED_AT,
        &[modified, ("date", LAST_MODIFIED_AT)]
    ));
    let later = ("date", "Sun, 06 Nov 1994 08:49:38 GMT");
    assert!(if_range(LAST_MODIFIED_AT, &[modified, later]));
}

#[test]
fn several_conditions_are_none_that_holds() {
    let request = headers(&[
        ("range", "bytes=0-1"),
        ("if-range", "\"a\""),
        ("if-range", "\"a\""),
    ]);
    let stored = headers(&[("etag", "\"a\"")]);
    let selected = select(&request, StatusCode::OK, &stored, received_at(), 10);
    assert_eq!(selected, Selection::Full);
}

proptest! {
    #[test]
    fn a_part_is_inside_the_body_and_says_where(
        first in 0_u64..40, last in proptest::option::of(0_u64..40), length in 0_usize..30,
    ) {
        let range = match last {
            Some(last) => format!("bytes={first}-{last}"),
            None => format!("bytes={first}-"),
        };
        match of(&range, length) {
            Selection::Full => prop_assert!(last.is_some_and(|last| last < first)),
            Selection::Unsatisfiable { .. } => prop_assert!(first >= length as u64),
            Selection::Part(part) => {
                prop_assert_eq!(part.bytes.start as u64, first);
                prop_assert!(part.bytes.end <= length && !part.bytes.is_empty());
                let end = last.map_or(length, |last| length.min(last as usize + 1));
                prop_assert_eq!(part.bytes.end, end);
                let said = format!("bytes {first}-{}/{length}", part.bytes.end - 1);
                prop_assert_eq!(part.content_range, said);
            }
        }
    }

    #[test]
    fn reads_any_text(text in "(bytes=)?[ -~]{0,20}", length in 0_usize..30) {
        if let Selection::Part(part) = of(&text, length) {
            prop_assert!(part.bytes.end <= length);
        }
    }
}
