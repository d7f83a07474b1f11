use super::*;
use crate::decision::Source;
use crate::reading::Reading;
use crate::terms::Terms;
use crate::{HOUR, Limit, MINUTE, Quota};

/// 2026-01-31T11:59:08.25Z
const NOW: Duration = Duration::from_millis(1_769_860_748_250);

fn state(limit: &Limit, remaining: u32, wait: Option<Duration>, reset: Duration) -> LimitState {
    let rule = limit.way.rule().unwrap();
    let reading = Reading::uncharged(remaining, wait, reset);
    LimitState::new(
        Terms::new(&limit.name, rule).into(),
        1,
        limit.shadow,
        &reading,
    )
}

fn public(remaining: u32, wait: Option<Duration>) -> LimitState {
    let limit = Limit::sliding_window("public", 60, MINUTE);
    state(&limit, remaining, wait, Duration::from_millis(6_500))
}

fn search(remaining: u32) -> LimitState {
    let limit = Limit::gcra("search", Quota::per_second(20).burst(50));
    state(
        &limit,
        remaining,
        Some(Duration::ZERO),
        Duration::from_micros(1),
    )
}

fn watched() -> LimitState {
    let limit = Limit::sliding_window("watched", 1, HOUR).shadow();
    state(&limit, 0, Some(HOUR), HOUR)
}

fn written(style: HeaderStyle, outcome: Outcome, limits: Vec<LimitState>) -> Vec<(String, String)> {
    let decision = Decision::new(outcome, Source::MEMORY, limits);
    let mut headers = HeaderMap::new();
    let none = Duration::ZERO;
    style.write(&mut headers, &decision, none, || UNIX_EPOCH + NOW);
    let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
    let mut headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect();
    headers.sort();
    headers
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

#[test]
fn tells_of_every_enforced_limit_in_the_new_way_and_of_the_tightest_in_the_old() {
    let limits = vec![public(12, Some(Duration::ZERO)), search(40), watched()];
    assert_eq!(
        written(HeaderStyle::both(), Outcome::Allowed, limits),
        pairs([
            ("ratelimit", r#""public";r=12;t=7, "search";r=40;t=1"#),
            (
                "ratelimit-policy",
                r#""public";q=60;w=60, "search";q=50;w=3"#
            ),
            ("x-ratelimit-limit", "60"),
            ("x-ratelimit-remaining", "12"),
            ("x-ratelimit-reset", "1769860755"),
        ])
    );
}

#[test]
fn a_refusal_says_when_to_come_back_rounded_up_and_never_now() {
    for (wait, seconds) in [(1, "1"), (999_999, "1"), (1_000_000, "1"), (1_000_001, "2")] {
        let wait = Some(Duration::from_micros(wait));
        let headers = written(HeaderStyle::None, Outcome::Refused, vec![public(0, wait)]);
        let expected = [("cache-control", "no-store"), ("retry-after", seconds)];
        assert_eq!(headers, pairs(expected));
    }
}

#[test]
fn a_refusal_for_good_says_nothing_of_coming_back() {
    let headers = written(HeaderStyle::None, Outcome::Refused, vec![public(60, None)]);
    assert_eq!(headers, pairs([("cache-control", "no-store")]));
}

#[test]
fn a_refused_client_is_told_of_its_turn_and_not_of_the_whole_quota() {
    let wait = Some(Duration::from_secs(2));
    assert_eq!(
        written(
            HeaderStyle::Draft11,
            Outcome::Refused,
            vec![public(0, wait)]
        ),
        pairs([
            ("cache-control", "no-store"),
            ("ratelimit", r#""public";r=0;t=2"#),
            ("ratelimit-policy", r#""public";q=60;w=60"#),
            ("retry-after", "2"),
        ])
    );
}

#[test]
fn without_an_answer_of_the_store_there_is_nothing_to_tell_but_to_come_back() {
    let headers = written(HeaderStyle::both(), Outcome::Unavailable, vec![]);
    let expected = [("cache-control", "no-store"), ("retry-after", "1")];
    assert_eq!(headers, pairs(expected));
}

#[test]
fn the_reset_can_be_a_date() {
    let style = HeaderStyle::Legacy(ResetFormat::Rfc3339);
    let headers = written(
        style,
        Outcome::Allowed,
        vec![public(12, Some(Duration::ZERO))],
    );
    let expected = [
        ("x-ratelimit-limit", "60"),
        ("x-ratelimit-remaining", "12"),
        ("x-ratelimit-reset", "2026-01-31T11:59:15Z"),
    ];
    assert_eq!(headers, pairs(expected));
}
