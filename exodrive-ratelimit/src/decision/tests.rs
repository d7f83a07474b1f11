use super::*;
use crate::{Limit, MINUTE, Quota};

const SECOND: Duration = Duration::from_secs(1);

/// The state of a limit of 10 per minute.
fn state(name: &'static str, remaining: u32, wait: Option<Duration>) -> LimitState {
    let limit = Limit::sliding_window(name, 10, MINUTE);
    let rule = limit.way.rule().unwrap();
    let reading = Reading::uncharged(remaining, wait, MINUTE);
    LimitState::new(Terms::new(&limit.name, rule).into(), 1, false, &reading)
}

fn room(name: &'static str, remaining: u32) -> LimitState {
    state(name, remaining, Some(Duration::ZERO))
}

fn full(name: &'static str, wait: Duration) -> LimitState {
    state(name, 0, Some(wait))
}

fn shadow(mut state: LimitState) -> LimitState {
    state.shadow = true;
    state
}

fn decided(outcome: Outcome, limits: Vec<LimitState>) -> Decision {
    Decision::new(outcome, Source::MEMORY, limits)
}

fn allowed(limits: Vec<LimitState>) -> Decision {
    decided(Outcome::Allowed, limits)
}

fn refused(limits: Vec<LimitState>) -> Decision {
    decided(Outcome::Refused, limits)
}

#[test]
fn the_longest_wait_of_those_that_refuse_is_the_wait() {
    let decision = refused(vec![
        full("a", 2 * SECOND),
        room("b", 3),
        full("c", 5 * SECOND),
        shadow(full("d", 9 * SECOND)),
    ]);
    assert_eq!(decision.retry_after(), Some(5 * SECOND));
    assert_eq!(allowed(vec![room("b", 3)]).retry_after(), None);

    let hopeless = refused(vec![full("a", 2 * SECOND), state("b", 10, None)]);
    assert_eq!(hopeless.retry_after(), None);
}

#[test]
fn tightest_is_who_refuses_and_then_who_has_the_smallest_share_left() {
    let tightest = |limits| allowed(limits).tightest().unwrap().name().to_owned();
    assert_eq!(tightest(vec![room("a", 3), room("b", 2)]), "b");
    assert_eq!(tightest(vec![room("a", 0), state("b", 5, None)]), "b");
    assert_eq!(tightest(vec![room("a", 3), shadow(room("b", 0))]), "a");

    let large = Limit::gcra("large", Quota::per_minute(1_000));
    let rule = large.way.rule().unwrap();
    let reading = Reading::uncharged(100, Some(Duration::ZERO), MINUTE);
    let large = LimitState::new(Terms::new(&large.name, rule).into(), 1, false, &reading);
    assert_eq!(
        tightest(vec![room("a", 2), large]),
        "large",
        "a tenth is less than a fifth"
    );
}

#[test]
fn merging_keeps_every_limit_and_the_graver_outcome() {
    let outer = allowed(vec![room("by ip", 7)]);
    let inner = refused(vec![full("by user", 3 * SECOND)]);
    let merged = outer.merge(inner);
    assert_eq!(merged.outcome(), Outcome::Refused);
    assert_eq!(merged.retry_after(), Some(3 * SECOND));
    let names: Vec<_> = merged.limits().iter().map(LimitState::name).collect();
    assert_eq!(names, ["by ip", "by user"]);
}

#[test]
fn merging_keeps_the_tighter_state_of_a_limit_decided_twice() {
    for (outer, inner, kept) in [(7, 6, 6), (6, 7, 6)] {
        let (outer, inner) = (
            allowed(vec![room("a", outer)]),
            allowed(vec![room("a", inner)]),
        );
        assert_eq!(outer.limit_shared_with(&inner), Some("a"));
        let merged = outer.merge(inner);
        assert_eq!(merged.limits().len(), 1);
        assert_eq!(merged.limits()[0].remaining(), kept);
    }
}

#[test]
fn merging_into_nothing_keeps_who_decided() {
    let merged =
        Decision::new(Outcome::Allowed, Source::NO_LIMIT, []).merge(allowed(vec![room("a", 1)]));
    assert_eq!(merged.source(), Source::MEMORY);
}

#[test]
fn a_corrected_charge_shows_in_what_is_left() {
    for (cost, left) in [(0, 8), (1, 7), (3, 5), (20, 0)] {
        let mut decision = allowed(vec![room("a", 7)]);
        decision.settled(0, cost);
        assert_eq!(decision.limits()[0].remaining(), left);
        assert_eq!(decision.limits()[0].cost(), cost);
    }
}

#[test]
fn explains_itself() {
    let decision = refused(vec![
        full("public", 12 * SECOND),
        shadow(room("search", 3)),
        state("upload", 10, None),
    ]);
    assert_eq!(
        decision.explain(),
        "refused (decided by: memory); \
         `public`: 0 of 10 left, cost 1, at rest in 60s, no room for 12s; \
         `search`: 3 of 10 left, cost 1, at rest in 60s, watched only; \
         `upload`: 10 of 10 left, cost 1, at rest in 60s, never room for this cost"
    );
}
