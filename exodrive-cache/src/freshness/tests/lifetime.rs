//! How old an answer is and may get.

use super::*;

#[test]
fn the_most_specific_lifetime_counts() {
    let cc = |value| ("cache-control", value);
    let cdn = |value| ("cdn-cache-control", value);
    for (lines, expected) in [
        (vec![], 0),
        (vec![DATED, AN_HOUR_LATER], 3600),
        (vec![DATED, AN_HOUR_LATER, cc("max-age=60")], 60),
        (vec![DATED, AN_HOUR_LATER, cc("max-age=0")], 0),
        (vec![DATED, AN_HOUR_LATER, cc("max-age=x")], 0),
        (vec![cc("max-age=60, s-maxage=10")], 10),
        (vec![cc("s-maxage=10"), cc("max-age=60")], 10),
        (vec![cc("max-age=0, s-maxage=10")], 10),
        (vec![cc("max-age=60, s-maxage=10"), cdn("max-age=5")], 5),
        (vec![cc("no-store"), cdn("max-age=5")], 5),
        (vec![DATED, AN_HOUR_LATER, cdn("public")], 0),
        (vec![DATED, AN_HOUR_LATER, cdn("max-age=0")], 0),
        (vec![DATED, TEN_HOURS_EARLIER, cdn("max-age=\"60\"")], 0),
        (vec![DATED, AN_HOUR_LATER, cc("max-age=60"), cdn("&")], 60),
    ] {
        assert_eq!(lifetime(&lines), expected, "{lines:?}");
    }
}

#[test]
fn expires_counts_from_the_date() {
    assert_eq!(lifetime(&[AN_HOUR_LATER]), 3599, "from when it came");
    assert_eq!(lifetime(&[("date", "foo"), AN_HOUR_LATER]), 3599);
    let date = ("date", "Sun, 06 Nov 1994 09:49:27 GMT");
    assert_eq!(lifetime(&[date, AN_HOUR_LATER]), 10, "by the same clock");
    let date = ("date", "Sun, 06 Nov 1994 09:49:38 GMT");
    assert_eq!(lifetime(&[date, AN_HOUR_LATER]), 0);
}

#[test]
fn an_expiry_that_is_no_date_is_past() {
    for value in ["0", "-1", "", "Sun, 06 Nov 1994 09:49:37 UTC"] {
        let lines = [DATED, TEN_HOURS_EARLIER, ("expires", value)];
        assert_eq!(lifetime(&lines), 0, "{value}");
    }
    assert_eq!(lifetime(&[DATED, AN_HOUR_LATER, AN_HOUR_LATER]), 0);
}

#[test]
fn no_lifetime_is_longer_than_the_longest_age() {
    let far = ("expires", "Fri, 31 Dec 9999 23:59:59 GMT");
    assert_eq!(of(&[DATED, far]).lifetime, MAX_DELTA);
    let found = of(&[DATED, far, ("age", "x")]);
    assert_eq!(found.state(Duration::ZERO), State::Stale);
}

#[test]
fn guesses_a_tenth_of_how_long_nothing_changed() {
    assert_eq!(lifetime(&[DATED, TEN_HOURS_EARLIER]), 3600);
    assert_eq!(lifetime(&[TEN_HOURS_EARLIER]), 3600);
    let years = ("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_eq!(lifetime(&[DATED, years]), 24 * 3600);
    let later = ("last-modified", "Sun, 06 Nov 1994 08:49:38 GMT");
    assert_eq!(lifetime(&[DATED, later]), 0);
    assert_eq!(lifetime(&[DATED, ("last-modified", "x")]), 0);
    let explicit = ("cache-control", "max-age=1");
    assert_eq!(lifetime(&[DATED, TEN_HOURS_EARLIER, explicit]), 1);
}

#[test]
fn guesses_for_some_statuses_or_what_is_public() {
    let lines = [DATED, TEN_HOURS_EARLIER];
    for status in [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501] {
        assert_eq!(
            with_status(status, &lines).lifetime,
            seconds(3600),
            "{status}"
        );
    }
    for status in [201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599] {
        assert_eq!(
            with_status(status, &lines).lifetime,
            Duration::ZERO,
            "{status}"
        );
        let public = [DATED, TEN_HOURS_EARLIER, ("cache-control", "public")];
        assert_eq!(
            with_status(status, &public).lifetime,
            seconds(3600),
            "{status}"
        );
    }
}

#[test]
fn what_has_to_be_validated_each_time_is_never_fresh() {
    for field in ["cache-control", "cdn-cache-control"] {
        let found = of(&[DATED, AN_HOUR_LATER, (field, "no-cache, max-age=60")]);
        assert_eq!(found.state(Duration::ZERO), State::Stale);
        assert!(found.must_revalidate);
    }
}

#[test]
fn takes_the_age_from_whichever_says_more() {
    let age = |lines: &[(&'static str, &str)]| of(lines).initial_age;
    assert_eq!(age(&[]), Duration::ZERO);
    assert_eq!(
        age(&[DATED]),
        Duration::ZERO,
        "a fraction of a second is no age"
    );
    assert_eq!(age(&[("age", "30")]), seconds(30));
    assert_eq!(
        age(&[("date", "Sun, 06 Nov 1994 08:49:17 GMT")]),
        seconds(20)
    );
    assert_eq!(
        age(&[("date", "Sun, 06 Nov 1994 08:49:17 GMT"), ("age", "30")]),
        seconds(30)
    );
    let ahead = ("date", "Sun, 06 Nov 1994 09:49:37 GMT");
    assert_eq!(age(&[ahead]), Duration::ZERO);
    assert_eq!(
        age(&[ahead, ("age", "30")]),
        seconds(30),
        "a clock ahead takes nothing off"
    );
}

#[test]
fn counts_the_time_the_handler_took() {
    let requested_at = answered_at() - Duration::from_millis(1500);
    let age = |lines: &[(&'static str, &str)]| {
        let headers = headers(lines);
        Freshness::rfc9111(StatusCode::OK, &headers, requested_at, answered_at()).initial_age
    };
    assert_eq!(age(&[]), Duration::from_millis(1500));
    assert_eq!(age(&[("age", "30")]), Duration::from_millis(31_500));
    let date = ("date", "Sun, 06 Nov 1994 08:49:17 GMT");
    assert_eq!(age(&[date]), seconds(20));
}

#[test]
fn a_clock_that_was_set_back_adds_no_age() {
    let later = answered_at() + seconds(10);
    let found = Freshness::rfc9111(StatusCode::OK, &headers(&[DATED]), later, answered_at());
    assert_eq!(found.initial_age, Duration::ZERO);
}

#[test]
fn an_age_that_is_not_one_number_is_the_largest() {
    for value in [
        "abc",
        "-7200",
        "7200.0",
        "7200;foo=bar",
        "7200, 0",
        "0, 7200",
        "0, 0",
        "",
    ] {
        assert_eq!(of(&[("age", value)]).initial_age, MAX_DELTA, "{value}");
    }
    assert_eq!(of(&[("age", "0"), ("age", "0")]).initial_age, MAX_DELTA);
    assert_eq!(
        of(&[("age", "99999999999999999999")]).initial_age,
        MAX_DELTA
    );
    let stale = of(&[("age", "x"), ("cache-control", "max-age=2147483648")]);
    assert_eq!(stale.state(Duration::ZERO), State::Stale);
}
