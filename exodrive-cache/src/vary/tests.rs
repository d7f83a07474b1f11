use proptest::prelude::*;

use super::*;
use crate::samples::headers;

fn of(vary: &[&str], request: &HeaderMap) -> Option<Vary> {
    let lines: Vec<_> = vary.iter().map(|line| ("vary", *line)).collect();
    Vary::of(&headers(&lines), request)
}

fn foo(lines: &[&str]) -> HeaderMap {
    let lines: Vec<_> = lines.iter().map(|line| ("foo", *line)).collect();
    headers(&lines)
}

#[test]
fn an_answer_that_does_not_vary_fits_every_request() {
    for vary in [&[][..], &[""], &[" , ,", ""]] {
        let vary = of(vary, &foo(&["1"])).unwrap();
        assert!(vary.0.is_empty());
        assert!(vary.matches(&foo(&["2"])));
    }
}

#[test]
fn an_answer_that_varies_by_what_nobody_knows_fits_none() {
    for lines in [
        &["*"][..],
        &["*, *"],
        &["*", "*"],
        &[", *"],
        &["", "*"],
        &["*, foo"],
        &["foo, *"],
        &["foo", "bar,\t*"],
        &["foo bar"],
        &["foo;bar"],
        &["\"foo, *\""],
        &["foo\", *"],
        &["f\u{fc}"],
    ] {
        assert_eq!(of(lines, &foo(&["1"])), None, "{lines:?}");
    }
}

#[test]
fn names_are_sorted_once_each_in_lower_case() {
    let response = headers(&[("vary", "Foo, accept ,foo"), ("vary", "ACCEPT,, bar")]);
    let names = names(&response).unwrap();
    assert_eq!(names, ["accept", "bar", "foo"]);
}

#[test]
fn every_named_field_has_to_agree() {
    let request = |foo, bar| headers(&[("foo", foo), ("bar", bar), ("other", "x")]);
    let vary = of(&["Foo", "bar, baz"], &request("1", "a")).unwrap();
    assert!(vary.matches(&request("1", "a")));
    assert!(!vary.matches(&request("2", "a")));
    assert!(!vary.matches(&request("1", "A")));
    assert!(!vary.matches(&foo(&["1"])));
    let mut with_baz = request("1", "a");
    with_baz.insert("baz", "".parse().unwrap());
    assert!(!vary.matches(&with_baz));
}

#[test]
fn missing_is_not_empty() {
    let missing = of(&["foo"], &foo(&[])).unwrap();
    let empty = of(&["foo"], &foo(&[""])).unwrap();
    assert!(missing.matches(&foo(&[])) && !missing.matches(&foo(&[""])));
    assert!(empty.matches(&foo(&[""])) && empty.matches(&foo(&["  "])));
    assert!(!empty.matches(&foo(&[])) && !empty.matches(&foo(&["", ""])));
    assert!(!empty.matches(&foo(&[","])) && !empty.matches(&foo(&["a"])));
}

#[test]
fn lines_and_whitespace_make_no_difference() {
    let vary = of(&["foo"], &foo(&["1, 2"])).unwrap();
    for same in [&["1,2"][..], &["1", "2"], &[" 1\t,  2 "], &["1 ", " 2"]] {
        assert!(vary.matches(&foo(same)), "{same:?}");
    }
    for other in [
        &["1"][..],
        &["1, 2, 3"],
        &["1, 22"],
        &["2, 1"],
        &["12"],
        &["1,, 2"],
        &["1, 2", ""],
        &["1 2"],
        &["\"1, 2\""],
    ] {
        assert!(!vary.matches(&foo(other)), "{other:?}");
    }
}

#[test]
fn quoted_text_is_left_alone() {
    let vary = of(&["foo"], &foo(&["a=\"1, \\\"2\", b"])).unwrap();
    assert!(vary.matches(&foo(&["a=\"1, \\\"2\",b"])));
    assert!(!vary.matches(&foo(&["a=\"1,\\\"2\",b"])));
}

#[test]
fn languages_are_the_same_in_any_order_and_case() {
    let speaking = |lines: &[&str]| {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| ("accept-language", *line))
            .collect();
        headers(&lines)
    };
    let vary = of(&["accept-language"], &speaking(&["en-GB, de;q=0.5"])).unwrap();
    for (lines, expected) in [
        (&["de;q=0.5, EN-gb"][..], true),
        (&["de;q=0.5", "en-GB,en-gb"], true),
        (&["en-GB"], false),
        (&["en-GB, de;q=0.5, fr"], false),
        (&["en-GB, de;q=0.6"], false),
        (&[], false),
    ] {
        assert_eq!(vary.matches(&speaking(lines)), expected, "{lines:?}");
    }
}

#[test]
fn a_list_longer_than_anybody_writes_matches_nothing() {
    let list = |count: u32| {
        let languages: Vec<_> = (0..count).map(|number| format!("x-{number}")).collect();
        headers(&[("accept-language", &languages.join(", "))])
    };
    for (count, expected) in [(64, true), (65, false)] {
        let vary = of(&["accept-language"], &list(count)).unwrap();
        assert_eq!(vary.matches(&list(count)), expected, "{count}");
    }
}

#[test]
fn a_hit_allocates_nothing() {
    let response = headers(&[("vary", "accept-encoding, accept-language, foo")]);
    let lines = [
        ("accept-encoding", "gzip, deflate, br;q=0.9"),
        ("accept-language", "en-GB, en;q=0.9"),
        ("accept-language", "de"),
    ];
    let request = headers(&lines);
    let vary = Vary::of(&response, &request).unwrap();
    let allocated = allocation_counter::measure(|| assert!(vary.matches(&request)));
    assert_eq!(allocated.count_total, 0);
}

proptest! {
    #[test]
    fn matches_exactly_what_notes_the_same(
        one in proptest::collection::vec("[ab ,\"\\\\]{0,5}", 0..3),
        two in proptest::collection::vec("[ab ,\"\\\\]{0,5}", 0..3),
    ) {
        let lines = |lines: &[String]| foo(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let (one, two) = (lines(&one), lines(&two));
        let (noted, other) = (of(&["foo"], &one).unwrap(), of(&["foo"], &two).unwrap());
        prop_assert!(noted.matches(&one));
        prop_assert_eq!(noted.matches(&two), noted == other);
    }

    #[test]
    fn a_normal_form_is_its_own(
        lines in proptest::collection::vec("[ab ,]{0,6}", 1..3),
    ) {
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let noted = of(&["foo"], &foo(&lines)).unwrap();
        let Value::Lines(value) = &noted.0[0].value else {
            return Err(TestCaseError::fail("the field is there"));
        };
        let again = foo(&[std::str::from_utf8(value).unwrap()]);
        prop_assert!(noted.matches(&again));
        prop_assert_eq!(of(&["foo"], &again).unwrap(), noted);
    }
}
