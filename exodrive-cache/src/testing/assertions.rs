//! What an answer says of where it came from.

use http::{HeaderMap, HeaderName};

/// Asserts that an answer came from the store, fresh or confirmed by the handler: `X-Cache: HIT`.
///
/// # Panics
///
/// If it did not, with the reason that `Cache-Status` gives.
#[track_caller]
pub fn assert_hit(answer: &HeaderMap) {
    assert_state(answer, "HIT");
}

/// Asserts that an answer came from the store although its time was over: `X-Cache: STALE`.
///
/// # Panics
///
/// If it did not, with the reason that `Cache-Status` gives.
#[track_caller]
pub fn assert_stale(answer: &HeaderMap) {
    assert_state(answer, "STALE");
}

/// Asserts that an answer came from the handler, for this request or for an equal one that was under way:
/// `X-Cache: MISS`.
///
/// # Panics
///
/// If it did not, with the reason that `Cache-Status` gives.
#[track_caller]
pub fn assert_miss(answer: &HeaderMap) {
    assert_state(answer, "MISS");
}

/// Asserts that the request was not for the cache to answer: `X-Cache: BYPASS`.
///
/// # Panics
///
/// If it was, with the reason that `Cache-Status` gives.
#[track_caller]
pub fn assert_bypass(answer: &HeaderMap) {
    assert_state(answer, "BYPASS");
}

#[track_caller]
fn assert_state(answer: &HeaderMap, wanted: &str) {
    let Some(state) = text(answer, &HeaderName::from_static("x-cache")) else {
        panic!("expected {wanted}, but no cached route gave this answer: it has no X-Cache");
    };
    let reason = text(answer, &HeaderName::from_static("cache-status"));
    let reason = reason.unwrap_or("no reason given");
    assert!(state == wanted, "expected {wanted}, got {state} ({reason})");
}

/// Returns the last line of a field: the one of the cache closest to whoever asks.
fn text<'a>(answer: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    answer.get_all(name).iter().next_back()?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;
    use crate::samples::headers;

    fn failure(answer: &HeaderMap, assertion: fn(&HeaderMap)) -> Option<String> {
        let panic = catch_unwind(|| assertion(answer)).err()?;
        panic.downcast_ref::<String>().cloned()
    }

    #[test]
    fn each_takes_its_own_state_and_no_other() {
        let states = ["HIT", "STALE", "MISS", "BYPASS"];
        let assertions = [assert_hit, assert_stale, assert_miss, assert_bypass];
        for (wanted, assertion) in states.into_iter().zip(assertions) {
            for state in states {
                let answer = headers(&[("x-cache", state), ("cache-status", "exodrive; why")]);
                let expected = (state != wanted)
                    .then(|| format!("expected {wanted}, got {state} (exodrive; why)"));
                assert_eq!(failure(&answer, assertion), expected);
            }
        }
    }

    #[test]
    fn an_answer_from_elsewhere_is_told_as_such() {
        let message = failure(&HeaderMap::new(), assert_hit).unwrap();
        assert!(message.contains("no cached route"), "{message}");
    }
}
