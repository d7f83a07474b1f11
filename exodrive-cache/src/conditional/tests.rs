use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::*;
use crate::samples::headers;

const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

type Lines<'a> = &'a [(&'static str, &'a str)];

fn sent(request: Lines<'_>, stored: Lines<'_>) -> Evaluation {
    let received_at = UNIX_EPOCH + Duration::from_secs(784_111_777);
    evaluate(
        &headers(request),
        StatusCode::OK,
        &headers(stored),
        received_at,
    )
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let lines = headers.get_all(name).iter();
    lines.map(|line| line.to_str().unwrap()).collect()
}

// === conditions of clients ===

#[test]
fn a_client_that_has_the_content_is_told_so() {
    for condition in [
        "\"a\"",
        "W/\"a\"",
        "\"x\", \"a\"",
        "\"x\" , W/\"a\", \"y\"",
        "*",
    ] {
        let request = [("if-none-match", condition)];
        for etag in ["\"a\"", "W/\"a\""] {
            let stored = [("etag", etag)];
            assert_eq!(
                sent(&request, &stored),
                Evaluation::NotModified,
                "{condition}"
            );
        }
    }
    let lines = [("if-none-match", "\"x\""), ("if-none-match", "\"a\"")];
    assert_eq!(sent(&lines, &[("etag", "\"a\"")]), Evaluation::NotModified);
    assert_eq!(
        sent(&[("if-none-match", "*")], &[]),
        Evaluation::NotModified
    );
}

#[test]
fn a_client_that_has_something_else_is_sent_the_content() {
    for condition in ["\"b\"", "a", "", "\"*\"", "*, \"b\"", "\"a"] {
        let request = [("if-none-match", condition)];
        assert_eq!(
            sent(&request, &[("etag", "\"a\"")]),
            Evaluation::Full,
            "{condition}"
        );
    }
    let lines = [("if-none-match", "\"x\""), ("if-none-match", "\"y\"")];
    assert_eq!(sent(&lines, &[("etag", "\"a\"")]), Evaluation::Full);
    assert_eq!(sent(&[("if-none-match", "\"a\"")], &[]), Evaluation::Full);
    assert_eq!(sent(&[], &[("etag", "\"a\"")]), Evaluation::Full);
}

#[test]
fn a_tag_counts_before_a_date() {
    let stored = [("etag", "\"a\""), ("last-modified", MODIFIED)];
    let changed = [("if-none-match", "\"b\""), ("if-modified-since", LATER)];
    assert_eq!(sent(&changed, &stored), Evaluation::Full);
    let same = [("if-none-match", "\"a\""), ("if-modified-since", EARLIER)];
    assert_eq!(sent(&same, &stored), Evaluation::NotModified);
    let malformed = [("if-none-match", ""), ("if-modified-since", LATER)];
    assert_eq!(sent(&malformed, &stored), Evaluation::Full);
}

#[test]
fn compares_dates_of_modification() {
    let stored = [("last-modified", MODIFIED), ("date", LATER)];
    for (since, expected) in [
        (EARLIER, Evaluation::Full),
        (MODIFIED, Evaluation::NotModified),
        (LATER, Evaluation::NotModified),
        ("Sunday, 06-Nov-94 08:49:37 GMT", Evaluation::NotModified),
        ("yesterday", Evaluation::Full),
        ("", Evaluation::Full),
    ] {
        assert_eq!(
            sent(&[("if-modified-since", since)], &stored),
            expected,
            "{since}"
        );
    }
    let twice = [("if-modified-since", LATER), ("if-modified-since", LATER)];
    assert_eq!(sent(&twice, &stored), Evaluation::Full);
}

#[test]
fn an_unknown_modification_is_no_later_than_the_answer() {
    let dated = [("date", LATER)];
    assert_eq!(
        sent(&[("if-modified-since", MODIFIED)], &dated),
        Evaluation::Full
    );
    assert_eq!(
        sent(&[("if-modified-since", LATER)], &dated),
        Evaluation::NotModified
    );
    assert_eq!(
        sent(&[("if-modified-since", EARLIER)], &[]),
        Evaluation::Full
    );
    assert_eq!(
        sent(&[("if-modified-since", MODIFIED)], &[]),
        Evaluation::NotModified
    );
}

#[test]
fn an_error_is_sent_in_full() {
    let request = headers(&[("if-none-match", "*"), ("if-modified-since", LATER)]);
    for status in [301, 404, 410, 500] {
        let status = StatusCode::from_u16(status).unwrap();
        let stored = headers(&[("etag", "\"a\"")]);
        let sent = evaluate(&request, status, &stored, UNIX_EPOCH);
        assert_eq!(sent, Evaluation::Full, "{status}");
    }
}

#[test]
fn a_confirmation_leaves_out_what_describes_the_content() {
    let stored = headers(&[
        ("cache-control", "max-age=60"),
        ("content-encoding", "gzip"),
        ("content-language", "de"),
        ("content-length", "5"),
        ("content-location", "/cars/7"),
        ("content-type", "text/plain"),
        ("date", MODIFIED),
        ("etag", "\"a\""),
        ("expires", LATER),
        ("last-modified", MODIFIED),
        ("repr-digest", "sha-256=:AA==:"),
        ("vary", "accept"),
        ("vary", "foo"),
        ("access-control-allow-origin", "*"),
    ]);
    let sent = not_modified_headers(&stored);
    let mut names: Vec<_> = sent.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "access-control-allow-origin",
            "cache-control",
            "content-location",
            "date",
            "etag",
            "expires",
            "vary"
        ]
    );
    assert_eq!(values(&sent, "vary"), ["accept", "foo"]);
    let untagged = headers(&[("last-modified", MODIFIED), ("content-type", "text/plain")]);
    let sent = not_modified_headers(&untagged);
    assert_eq!(values(&sent, "last-modified"), [MODIFIED]);
    assert_eq!(sent.len(), 1);
}

// === validating ===

#[test]
fn asks_with_the_stored_validators() {
    let asked = |stored: Lines<'_>| {
        let mut request = headers(&[
            ("if-none-match", "\"client\""),
            ("if-modified-since", LATER),
            ("accept", "*/*"),
        ]);
        let any = validate(&mut request, &headers(stored));
        (
            any,
            values(&request, "if-none-match").join("|"),
            values(&request, "if-modified-since").join("|"),
        )
    };
    let of = |any, tag: &str, date: &str| (any, tag.to_owned(), date.to_owned());
    assert_eq!(asked(&[]), of(false, "", ""));
    assert_eq!(asked(&[("etag", "W/\"a\"")]), of(true, "W/\"a\"", ""));
    assert_eq!(asked(&[("etag", "a")]), of(true, "a", ""));
    assert_eq!(
        asked(&[("last-modified", MODIFIED)]),
        of(true, "", MODIFIED)
    );
    assert_eq!(
        asked(&[("etag", "\"a\""), ("last-modified", MODIFIED)]),
        of(true, "\"a\"", MODIFIED)
    );
    assert_eq!(
        asked(&[("etag", "\"a\""), ("etag", "\"b\"")]),
        of(false, "", "")
    );
}

#[test]
fn a_confirmation_is_about_what_it_names() {
    let a = ("etag", "\"a\"");
    let weak_a = ("etag", "W/\"a\"");
    let modified = ("last-modified", MODIFIED);
    for (stored, told, expected) in [
        (&[a][..], &[a][..], true),
        (&[a], &[("etag", "\"b\"")], false),
        (&[a], &[weak_a], true),
        // A strong validator has to be that of the stored answer, and a weak one is not.
        (&[weak_a], &[a], false),
        (&[weak_a], &[weak_a], true),
        (&[weak_a], &[("etag", "W/\"b\"")], false),
        (&[("etag", "a")], &[("etag", "a")], true),
        (&[("etag", "a")], &[("etag", "b")], false),
        (&[a], &[a, a], false),
        (&[], &[a], false),
        (&[modified], &[a], false),
        (&[modified], &[modified], true),
        (
            &[modified],
            &[("last-modified", "Sunday, 06-Nov-94 08:49:37 GMT")],
            true,
        ),
        (&[modified], &[("last-modified", LATER)], false),
        (&[modified], &[("last-modified", "x")], false),
        (&[a], &[modified], false),
        (&[a, modified], &[modified], true),
        // The tag says more than the date.
        (&[a, modified], &[("etag", "\"b\""), modified], false),
        (&[a, modified], &[a, ("last-modified", LATER)], true),
        (&[a], &[], true),
        (&[modified], &[("date", LATER)], true),
    ] {
        let selected = selects(&headers(stored), &headers(told));
        assert_eq!(selected, expected, "{stored:?} {told:?}");
    }
}

#[test]
fn a_confirmation_updates_field_by_field() {
    let stored = headers(&[
        ("cache-control", "max-age=1"),
        ("x-many", "1"),
        ("x-many", "2"),
        ("x-many", "3"),
        ("x-kept", "1"),
        ("x-kept", "2"),
        ("content-type", "text/plain"),
        ("etag", "\"a\""),
    ]);
    let update = headers(&[
        ("cache-control", "max-age=60"),
        ("cache-control", "public"),
        ("x-many", "4"),
        ("x-new", "5"),
        ("x-new", "6"),
        ("content-type", "text/plain;charset=utf-8"),
        ("etag", "W/\"a\""),
    ]);
    let fresh = freshened(&stored, &update);
    assert_eq!(values(&fresh, "cache-control"), ["max-age=60", "public"]);
    assert_eq!(values(&fresh, "x-many"), ["4"]);
    assert_eq!(values(&fresh, "x-kept"), ["1", "2"]);
    assert_eq!(values(&fresh, "x-new"), ["5", "6"]);
    assert_eq!(values(&fresh, "content-type"), ["text/plain;charset=utf-8"]);
    assert_eq!(values(&fresh, "etag"), ["W/\"a\""]);
    assert_eq!(fresh.len(), 9);
}

#[test]
fn a_confirmation_does_not_touch_what_describes_the_content() {
    let described = [
        "content-encoding",
        "content-length",
        "content-range",
        "content-md5",
        "content-digest",
        "repr-digest",
        "digest",
    ];
    for name in described {
        let fresh = freshened(&headers(&[(name, "1")]), &headers(&[(name, "2")]));
        assert_eq!(values(&fresh, name), ["1"], "{name}");
        let fresh = freshened(&headers(&[]), &headers(&[(name, "2")]));
        assert!(fresh.is_empty(), "{name}");
    }
}

#[test]
fn a_confirmation_leaves_nothing_of_its_connection() {
    let update = headers(&[
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("transfer-encoding", "chunked"),
        ("keep-alive", "5"),
    ]);
    assert!(freshened(&headers(&[]), &update).is_empty());
}

#[test]
fn a_confirmed_answer_is_as_old_as_its_confirmation() {
    let stored = headers(&[("date", EARLIER), ("age", "30")]);
    assert!(freshened(&stored, &headers(&[])).is_empty());
    let fresh = freshened(&stored, &headers(&[("date", LATER), ("age", "1")]));
    assert_eq!(values(&fresh, "date"), [LATER]);
    assert_eq!(values(&fresh, "age"), ["1"]);
}

proptest! {
    #[test]
    fn each_field_comes_from_one_side_with_all_its_lines(
        stored in proptest::collection::vec((0_usize..4, "[a-z]"), 0..8),
        update in proptest::collection::vec((0_usize..4, "[a-z]"), 0..8),
    ) {
        const NAMES: [&str; 4] = ["a", "b", "c", "d"];
        let map = |lines: &[(usize, String)]| {
            headers(&lines.iter().map(|(name, value)| (NAMES[*name], value.as_str())).collect::<Vec<_>>())
        };
        let (stored, update) = (map(&stored), map(&update));
        let fresh = freshened(&stored, &update);
        for name in NAMES {
            let source = if update.contains_key(name) { &update } else { &stored };
            prop_assert_eq!(values(&fresh, name), values(source, name));
        }
    }
}
