//! What an answer is good for, by itself and to a client that asks for less or more.

use super::*;

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
