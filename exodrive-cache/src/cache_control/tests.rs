use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::samples::headers;

fn response(lines: &[&str]) -> CacheControl {
    let lines: Vec<_> = lines.iter().map(|line| ("cache-control", *line)).collect();
    CacheControl::of_response(&headers(&lines))
}

fn request(line: &str) -> CacheControl {
    CacheControl::of_request(&headers(&[("cache-control", line)]))
}

fn targeted(line: &str) -> CacheControl {
    let fields = [
        ("cache-control", "no-store, must-revalidate"),
        ("cdn-cache-control", line),
    ];
    CacheControl::of_response(&headers(&fields))
}

const fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

#[test]
fn knows_every_directive_of_a_response() {
    let line = "no-store, no-cache, private, public, must-revalidate, proxy-revalidate, \
                must-understand, max-age=1, s-maxage=2, stale-while-revalidate=3, stale-if-error=4";
    let expected = CacheControl {
        no_store: true,
        no_cache: true,
        private: true,
        public: true,
        must_revalidate: true,
        proxy_revalidate: true,
        must_understand: true,
        max_age: seconds(1),
        s_maxage: seconds(2),
        stale_while_revalidate: seconds(3),
        stale_if_error: seconds(4),
        ..CacheControl::default()
    };
    assert_eq!(response(&[line]), expected);
    assert_eq!(response(&[&line.to_uppercase()]), expected);
    let lines: Vec<_> = line.split(',').collect();
    assert_eq!(response(&lines), expected);
}

#[test]
fn says_nothing_without_a_line() {
    assert_eq!(response(&[]), CacheControl::default());
    assert_eq!(response(&["", " , ,, "]), CacheControl::default());
    assert_eq!(
        response(&["nothing-to-see-here, immutable, a-name-longer-than-all-that-are-known=1"]),
        CacheControl::default()
    );
}

#[test]
fn reads_numbers_as_they_are_defined_and_takes_others_for_zero() {
    for (written, read) in [
        ("60", 60),
        ("003600", 3600),
        ("\"60\"", 60),
        ("\"60\" ", 60),
        ("60 ", 60),
        ("2147483647", 2_147_483_647),
        ("2147483648", 2_147_483_648),
        ("2147483649", 2_147_483_648),
        ("99999999999999999999999999", 2_147_483_648),
        ("", 0),
        ("-60", 0),
        ("+60", 0),
        ("60.0", 0),
        ("60s", 0),
        ("0x60", 0),
        ("'60'", 0),
        ("\"60", 0),
        ("\"60\"0", 0),
        ("\"6\\0\"", 0),
        (" 60", 0),
        ("6 0", 0),
    ] {
        let read = CacheControl {
            max_age: seconds(read),
            ..CacheControl::default()
        };
        assert_eq!(
            response(&[&format!("max-age={written}")]),
            read,
            "{written}"
        );
    }
    assert_eq!(response(&["max-age"]).max_age, seconds(0));
}

#[test]
fn a_number_that_is_given_twice_counts_if_both_agree() {
    assert_eq!(response(&["max-age=5, max-age=\"5\""]).max_age, seconds(5));
    assert_eq!(response(&["max-age=5, max-age=9"]).max_age, seconds(0));
    assert_eq!(response(&["max-age=9", "max-age=5"]).max_age, seconds(0));
    assert_eq!(response(&["max-age=9, max-age=x"]).max_age, seconds(0));
    assert_eq!(request("max-stale=9, max-stale").max_stale, seconds(0));
    assert_eq!(request("min-fresh=5, min-fresh=9").min_fresh, seconds(9));
}

#[test]
fn quoted_text_is_no_directive() {
    for line in [
        "extension=\"max-age=3600\", max-age=1",
        "max-age=1, extension=\"max-age=3600\"",
        "extension=\"a, no-store, b\", max-age=1",
        "extension=\"\\\", no-store, \\\\\",max-age=1",
        "extension= \"x, no-store\", max-age=1",
    ] {
        let expected = CacheControl {
            max_age: seconds(1),
            ..CacheControl::default()
        };
        assert_eq!(response(&[line]), expected, "{line}");
    }
}

#[test]
fn nothing_hides_in_a_string_that_never_ends() {
    assert!(response(&["extension=\"a, no-store"]).no_store);
    assert!(response(&["extension=\"a\\\", no-store"]).no_store);
    assert!(response(&["extension=\"a", "no-store"]).no_store);
    assert!(response(&["ext\"a, no-store, \""]).no_store);
}

#[test]
fn what_restricts_counts_with_any_argument() {
    for line in [
        "private=\"set-cookie, x\"",
        "private=x",
        "private =\"x\"",
        "private=\"\"",
    ] {
        assert!(response(&[line]).private, "{line}");
    }
    assert!(response(&["no-cache=\"set-cookie\""]).no_cache);
    assert!(response(&["no-store=1"]).no_store);
    assert!(response(&["must-revalidate=x"]).must_revalidate);
}

#[test]
fn what_permits_counts_in_its_proper_form_only() {
    let found = response(&["public=1, must-understand=\"x\""]);
    assert!(!found.public && !found.must_understand);
    let found = response(&["public, public=1, must-understand, must-understand=1"]);
    assert!(found.public && found.must_understand);
    let asked = request("max-stale=x");
    assert_eq!(asked.max_stale, seconds(0));
}

#[test]
fn reads_lines_that_are_not_ascii() {
    let mut headers = HeaderMap::new();
    let line = HeaderValue::from_bytes(b"extension=\xfc, no-store").unwrap();
    headers.insert(CACHE_CONTROL, line);
    assert!(CacheControl::of_response(&headers).no_store);
}

#[test]
fn knows_every_directive_of_a_request() {
    let line =
        "no-cache, no-store, only-if-cached, max-age=1, max-stale=2, min-fresh=3, stale-if-error=4";
    let expected = CacheControl {
        no_cache: true,
        no_store: true,
        only_if_cached: true,
        max_age: seconds(1),
        max_stale: seconds(2),
        min_fresh: seconds(3),
        stale_if_error: seconds(4),
        ..CacheControl::default()
    };
    assert_eq!(request(line), expected);
    assert_eq!(request("max-stale").max_stale, Some(Duration::MAX));
    assert_eq!(request("min-fresh=x").min_fresh, Some(Duration::MAX));
}

#[test]
fn pragma_counts_when_there_is_nothing_newer() {
    let no_cache =
        |fields: &[(&'static str, &str)]| CacheControl::of_request(&headers(fields)).no_cache;
    assert!(no_cache(&[("pragma", "x, No-Cache")]));
    assert!(!no_cache(&[("pragma", "foo")]));
    assert!(!no_cache(&[
        ("pragma", "no-cache"),
        ("cache-control", "max-age=1")
    ]));
    let response = CacheControl::of_response(&headers(&[("pragma", "no-cache")]));
    assert!(!response.no_cache);
}

#[test]
fn a_valid_targeted_field_counts_alone() {
    let expected = CacheControl {
        max_age: seconds(60),
        public: true,
        targeted: true,
        ..CacheControl::default()
    };
    for line in [
        "max-age=60, public",
        "max-age=60;a=\"b\", public=?1",
        "no-store=?0, max-age=60, public, foobar=(1 2)",
        "max-age=10, public, max-age=60",
    ] {
        assert_eq!(targeted(line), expected, "{line}");
    }
    assert!(targeted("no-store").no_store);
    assert!(targeted("private=\"set-cookie\"").private);
    assert_eq!(targeted("max-age=99999999999").max_age, Some(MAX_DELTA));
}

#[test]
fn several_lines_of_a_targeted_field_are_one_dictionary() {
    let fields = [
        ("cdn-cache-control", "max-age=10, public"),
        ("cdn-cache-control", "max-age=60"),
    ];
    let found = CacheControl::of_response(&headers(&fields));
    assert_eq!(found.max_age, seconds(60));
    assert!(found.public && found.targeted);
}

#[test]
fn an_empty_or_malformed_targeted_field_is_ignored() {
    for line in [
        "",
        "   ",
        "max-age=60, &&&&&",
        "max-age=60,",
        "max-age =60",
        "max-age= 60",
        "Max-Age=60",
        "max-age=\"60",
        "max-age=9999999999999999",
    ] {
        let found = targeted(line);
        assert!(found.no_store && !found.targeted, "{line}");
    }
}

#[test]
fn a_targeted_number_of_another_type_is_the_strictest() {
    for line in [
        "max-age=\"60\"",
        "max-age=60.0",
        "max-age=x",
        "max-age",
        "max-age=(60)",
        "max-age=-1",
        "max-age=@60",
    ] {
        let found = targeted(line);
        assert_eq!(found.max_age, seconds(0), "{line}");
        assert!(found.targeted, "{line}");
    }
}

proptest! {
    #[test]
    fn never_overlooks_a_restriction(
        before in proptest::collection::vec("[a-z]{1,8}(=([a-z0-9]{0,4}|\"[a-z, =]{0,6}\"|\"[a-z]{0,3}))?", 0..4),
        restriction in "(no-store|NO-STORE|No-Store)(=[a-z]{0,3})?",
    ) {
        let mut directives = before;
        directives.push(restriction);
        prop_assert!(response(&[&directives.join(", ")]).no_store);
        let lines: Vec<_> = directives.iter().map(String::as_str).collect();
        prop_assert!(response(&lines).no_store);
    }

    #[test]
    fn reads_any_bytes(line in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(line) = HeaderValue::from_bytes(&line) {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, line.clone());
            headers.insert(CDN_CACHE_CONTROL, line.clone());
            headers.insert(PRAGMA, line);
            let _ = CacheControl::of_response(&headers);
            headers.remove(CDN_CACHE_CONTROL);
            let _ = CacheControl::of_response(&headers);
            let _ = CacheControl::of_request(&headers);
            headers.remove(CACHE_CONTROL);
            let _ = CacheControl::of_request(&headers);
        }
    }
}
