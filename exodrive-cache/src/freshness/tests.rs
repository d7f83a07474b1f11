use std::time::UNIX_EPOCH;

use proptest::prelude::*;

use super::*;
use crate::samples::headers;

/// Sun, 06 Nov 1994 08:49:37 GMT, and then some.
fn answered_at() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(784_111_777_900)
}

const DATED: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
const AN_HOUR_LATER: (&str, &str) = ("expires", "Sun, 06 Nov 1994 09:49:37 GMT");
const TEN_HOURS_EARLIER: (&str, &str) = ("last-modified", "Sat, 05 Nov 1994 22:49:37 GMT");

fn with_status(status: u16, lines: &[(&'static str, &str)]) -> Freshness {
    let status = StatusCode::from_u16(status).unwrap();
    Freshness::rfc9111(status, &headers(lines), answered_at(), answered_at())
}

fn of(lines: &[(&'static str, &str)]) -> Freshness {
    with_status(200, lines)
}

fn lifetime(lines: &[(&'static str, &str)]) -> u64 {
    of(lines).lifetime.as_secs()
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn asking(directives: &str) -> CacheControl {
    CacheControl::of_request(&headers(&[("cache-control", directives)]))
}

/// Fresh for 60 seconds, then 30 to revalidate and 90 against errors.
fn lasting() -> Freshness {
    Freshness::fixed(seconds(60), seconds(30), seconds(90))
}

// === lifetime ===

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

// === age ===

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

// === state ===

#[test]
fn passes_through_its_states() {
    let state = |at| lasting().state(Duration::from_millis(at));
    assert_eq!(state(0), State::Fresh);
    assert_eq!(state(59_999), State::Fresh);
    assert_eq!(state(60_000), State::Revalidatable);
    assert_eq!(state(89_999), State::Revalidatable);
    assert_eq!(state(90_000), State::OnlyOnError);
    assert_eq!(state(149_999), State::OnlyOnError);
    assert_eq!(state(150_000), State::Stale);
    assert_eq!(lasting().state(Duration::MAX), State::Stale);
}

#[test]
fn the_age_at_which_it_was_stored_counts() {
    let found = of(&[("cache-control", "max-age=60"), ("age", "50")]);
    assert_eq!(found.state(seconds(9)), State::Fresh);
    assert_eq!(found.state(seconds(10)), State::Stale);
    assert_eq!(found.age(seconds(10)), seconds(60));
}

#[test]
fn reads_the_windows_of_the_answer() {
    let line = "max-age=60, stale-while-revalidate=30, stale-if-error=90";
    assert_eq!(of(&[("cache-control", line)]), lasting());
}

#[test]
fn no_window_opens_for_what_must_be_revalidated() {
    for prohibition in [
        "must-revalidate",
        "proxy-revalidate",
        "no-cache",
        "s-maxage=60",
    ] {
        let line =
            format!("max-age=60, stale-while-revalidate=30, stale-if-error=90, {prohibition}");
        let found = of(&[("cache-control", &line)]);
        assert_eq!(found.state(seconds(60)), State::Stale, "{prohibition}");
        assert!(
            !found.allows(seconds(60), &asking("max-stale")),
            "{prohibition}"
        );
        assert!(
            !found.allows_on_error(seconds(60), &asking("stale-if-error=600")),
            "{prohibition}"
        );
    }
}

// === what a client asks for ===

#[test]
fn a_client_that_asks_for_nothing_gets_what_may_be_served() {
    let nothing = CacheControl::default();
    for at in [0, 59, 60, 89, 90, 149, 150] {
        let served = matches!(
            lasting().state(seconds(at)),
            State::Fresh | State::Revalidatable
        );
        assert_eq!(lasting().allows(seconds(at), &nothing), served, "{at}");
    }
}

#[test]
fn a_client_may_ask_for_less_or_more() {
    for (directives, at, expected) in [
        ("no-cache", 0, false),
        ("max-age=0", 0, true),
        ("max-age=0", 1, false),
        ("max-age=10", 10, true),
        ("max-age=10", 11, false),
        ("max-age=x", 1, false),
        // A client that states an age does not want to see a stale answer, unless it says so.
        ("max-age=1000", 60, false),
        ("max-age=1000, max-stale", 60, true),
        ("max-age=61, max-stale", 62, false),
        ("min-fresh=60", 0, true),
        ("min-fresh=10", 50, true),
        ("min-fresh=10", 51, false),
        ("min-fresh=x", 0, false),
        ("min-fresh=1, max-stale", 60, false),
        ("max-stale", 1_000_000, true),
        ("max-stale=100", 160, true),
        ("max-stale=100", 161, false),
        ("max-stale=10", 80, false),
        ("max-stale=x", 80, false),
        ("max-stale=0", 59, true),
        ("no-store", 0, true),
        ("only-if-cached", 0, true),
        ("only-if-cached", 95, false),
    ] {
        let allowed = lasting().allows(seconds(at), &asking(directives));
        assert_eq!(allowed, expected, "{directives} at {at}");
    }
}

#[test]
fn an_error_opens_the_longer_window_of_both_sides() {
    let nothing = CacheControl::default();
    assert!(lasting().allows_on_error(seconds(0), &nothing));
    assert!(lasting().allows_on_error(seconds(149), &nothing));
    assert!(!lasting().allows_on_error(seconds(150), &nothing));
    assert!(lasting().allows_on_error(seconds(150), &asking("stale-if-error=91")));
    assert!(lasting().allows_on_error(seconds(149), &asking("stale-if-error=1")));
    let bare = Freshness::fixed(seconds(60), Duration::ZERO, Duration::ZERO);
    assert!(!bare.allows_on_error(seconds(0), &nothing));
    assert!(bare.allows_on_error(seconds(60), &asking("stale-if-error=1")));
    assert!(!bare.allows_on_error(seconds(61), &asking("stale-if-error=1")));
}

// === storing ===

fn stored(
    request: &[(&'static str, &str)],
    status: u16,
    response: &[(&'static str, &str)],
) -> Result<(), Why> {
    let status = StatusCode::from_u16(status).unwrap();
    storable(&headers(request), status, &headers(response))
}

#[test]
fn stores_what_has_a_lifetime_or_may_be_guessed_one() {
    let explicit: [(&'static str, &str); 5] = [
        ("cache-control", "max-age=60"),
        ("cache-control", "s-maxage=0"),
        ("cache-control", "public"),
        ("cdn-cache-control", "max-age=60"),
        AN_HOUR_LATER,
    ];
    for line in explicit {
        for status in [200, 201, 299, 302, 400, 403, 499, 500, 503, 599, 999] {
            assert_eq!(stored(&[], status, &[line]), Ok(()), "{status} {line:?}");
        }
    }
    for status in [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501] {
        assert_eq!(stored(&[], status, &[]), Ok(()), "{status}");
    }
    for status in [201, 202, 302, 303, 307, 400, 401, 403, 500, 502, 503, 599] {
        assert_eq!(stored(&[], status, &[]), Err(Why::NotExplicit), "{status}");
    }
    let ignored = [AN_HOUR_LATER, ("cdn-cache-control", "foo")];
    assert_eq!(stored(&[], 403, &ignored), Err(Why::NotExplicit));
}

#[test]
fn never_stores_a_part_of_an_answer() {
    for status in [100, 101, 102, 103, 206, 304] {
        let public = ("cache-control", "public, max-age=60");
        assert_eq!(stored(&[], status, &[public]), Err(Why::Status), "{status}");
    }
}

#[test]
fn stores_nothing_that_either_side_forbids() {
    let max_age = ("cache-control", "max-age=60");
    let also = |value| [max_age, ("cache-control", value)];
    assert_eq!(stored(&[], 200, &also("No-Store")), Err(Why::NoStore));
    assert_eq!(stored(&[], 200, &also("private")), Err(Why::Private));
    assert_eq!(stored(&[], 200, &also("private=\"x\"")), Err(Why::Private));
    assert_eq!(stored(&[], 200, &also("no-cache")), Ok(()));
    let request = [("cache-control", "no-store")];
    assert_eq!(stored(&request, 200, &[max_age]), Err(Why::Request));
    for line in ["*", "accept, *", ", *", "b\u{fc}cher"] {
        let varying = [max_age, ("vary", line)];
        assert_eq!(stored(&[], 200, &varying), Err(Why::Vary), "{line}");
    }
    assert_eq!(stored(&[], 200, &[max_age, ("vary", "accept")]), Ok(()));
}

#[test]
fn a_targeted_field_decides_alone() {
    let cdn = |value| [("cache-control", "no-store"), ("cdn-cache-control", value)];
    assert_eq!(stored(&[], 200, &cdn("max-age=60")), Ok(()));
    assert_eq!(stored(&[], 200, &cdn("max-age=60, &")), Err(Why::NoStore));
    let forbidding = [
        ("cache-control", "max-age=60"),
        ("cdn-cache-control", "private"),
    ];
    assert_eq!(stored(&[], 200, &forbidding), Err(Why::Private));
}

#[test]
fn an_authorized_answer_is_for_others_only_if_it_says_so() {
    let request = [("authorization", "Basic eDp5")];
    let answer = |value| stored(&request, 200, &[("cache-control", value)]);
    assert_eq!(answer("max-age=60"), Err(Why::Authorization));
    assert_eq!(
        answer("max-age=60, proxy-revalidate"),
        Err(Why::Authorization)
    );
    assert_eq!(answer("max-age=60, public"), Ok(()));
    assert_eq!(answer("max-age=60, must-revalidate"), Ok(()));
    assert_eq!(answer("s-maxage=60"), Ok(()));
    assert_eq!(
        stored(&request, 200, &[AN_HOUR_LATER]),
        Err(Why::Authorization)
    );
}

#[test]
fn who_understands_the_status_may_store_what_others_may_not() {
    let line = ("cache-control", "max-age=60, no-store, must-understand");
    let bare = ("cache-control", "max-age=60, must-understand");
    let mut understood = Vec::new();
    for status in 200..=999 {
        let verdict = stored(&[], status, &[line]);
        assert_eq!(stored(&[], status, &[bare]), verdict, "{status}");
        match verdict {
            Ok(()) => understood.push(status),
            Err(why) => assert!(matches!(why, Why::NotUnderstood | Why::Status), "{status}"),
        }
    }
    let statuses = [
        200..=205,
        300..=303,
        307..=308,
        400..=417,
        421..=422,
        426..=426,
        500..=505,
    ];
    assert_eq!(
        understood,
        statuses.into_iter().flatten().collect::<Vec<u16>>()
    );
}

// === properties ===

fn any_freshness() -> impl Strategy<Value = Freshness> {
    let upto = || (0_u64..200).prop_map(seconds);
    (upto(), upto(), upto(), upto(), any::<bool>()).prop_map(
        |(lifetime, initial_age, stale_while_revalidate, stale_if_error, must_revalidate)| {
            Freshness {
                lifetime,
                initial_age,
                stale_while_revalidate,
                stale_if_error,
                must_revalidate,
            }
        },
    )
}

fn any_request() -> impl Strategy<Value = CacheControl> {
    let maybe = || proptest::option::of((0_u64..200).prop_map(seconds));
    (any::<bool>(), maybe(), maybe(), maybe(), maybe()).prop_map(
        |(no_cache, max_age, max_stale, min_fresh, stale_if_error)| CacheControl {
            no_cache,
            max_age,
            max_stale,
            min_fresh,
            stale_if_error,
            ..CacheControl::default()
        },
    )
}

/// The states, from the best to the worst.
fn rank(state: State) -> u8 {
    match state {
        State::Fresh => 0,
        State::Revalidatable => 1,
        State::OnlyOnError => 2,
        State::Stale => 3,
    }
}

proptest! {
    #[test]
    fn never_becomes_better_with_time(
        freshness in any_freshness(), earlier in 0_u64..400, later in 0_u64..400,
    ) {
        let (earlier, later) = (earlier.min(later), earlier.max(later));
        let rank = |at| rank(freshness.state(seconds(at)));
        prop_assert!(rank(earlier) <= rank(later));
    }

    #[test]
    fn what_a_client_is_allowed_it_was_allowed_before(
        freshness in any_freshness(), request in any_request(), at in 1_u64..400,
    ) {
        if freshness.allows(seconds(at), &request) {
            prop_assert!(freshness.allows(seconds(at - 1), &request));
        }
        if freshness.allows_on_error(seconds(at), &request) {
            prop_assert!(freshness.allows_on_error(seconds(at - 1), &request));
        }
    }

    #[test]
    fn nothing_stale_is_served_against_a_prohibition(
        freshness in any_freshness(), request in any_request(), at in 0_u64..400,
    ) {
        let freshness = Freshness { must_revalidate: true, ..freshness };
        let resident = seconds(at);
        if freshness.age(resident) >= freshness.lifetime {
            prop_assert_eq!(freshness.state(resident), State::Stale);
            prop_assert!(!freshness.allows(resident, &request));
            prop_assert!(!freshness.allows_on_error(resident, &request));
        }
    }

    #[test]
    fn takes_any_times(
        freshness in (any::<Duration>(), any::<Duration>(), any::<Duration>(), any::<Duration>()),
        resident in any::<Duration>(),
        asked in any::<Duration>(),
    ) {
        let (lifetime, initial_age, stale_while_revalidate, stale_if_error) = freshness;
        let freshness = Freshness {
            lifetime, initial_age, stale_while_revalidate, stale_if_error, must_revalidate: false,
        };
        let request = CacheControl {
            max_age: Some(asked),
            max_stale: Some(asked),
            min_fresh: Some(asked),
            stale_if_error: Some(asked),
            ..CacheControl::default()
        };
        let _ = freshness.state(resident);
        let _ = freshness.allows(resident, &request);
        let _ = freshness.allows_on_error(resident, &request);
    }
}

#[test]
fn a_hit_allocates_nothing() {
    let freshness = lasting();
    let request = headers(&[(
        "cache-control",
        "max-age=600, max-stale=\"60\", min-fresh=1",
    )]);
    let allocated = allocation_counter::measure(|| {
        let request = CacheControl::of_request(&request);
        std::hint::black_box(freshness.state(seconds(70)));
        std::hint::black_box(freshness.allows(seconds(70), &request));
    });
    assert_eq!(allocated.count_total, 0);
}
