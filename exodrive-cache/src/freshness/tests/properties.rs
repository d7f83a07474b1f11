//! What holds at any time, whatever is asked.

use proptest::prelude::*;

use super::*;

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
