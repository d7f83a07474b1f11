//! What is served when the time of an answer is over.

use std::sync::Arc;
use std::time::Duration;

use exodrive_cache::{Bypass, Invalidation, Outcome, StaleReason, Unstorable, tag};
use http::{Response, StatusCode};

use super::support::{
    Failure, Fixture, full, get, numbered, ok, outcome, policy, seen, settled, text,
};

const MINUTE: Duration = Duration::from_secs(60);

fn stale(age: Duration, reason: StaleReason) -> Outcome {
    Outcome::Stale { age, reason }
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_is_served_while_a_fresh_one_is_fetched() {
    let policy = policy().stale_while_revalidate(MINUTE);
    let (fixture, gate) = Fixture::gated(policy, 2.., numbered);
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "1"));
    tokio::time::advance(MINUTE).await;
    let first = fixture.send(get("/cars/1")).await;
    assert_eq!(outcome(&first), stale(MINUTE, StaleReason::Refreshing));
    assert_eq!(text(first).await, "1");
    gate.arrival().await;
    // The fetch is under way: one is enough.
    assert_eq!(fixture.ask_for("/cars/1").await, seen("STALE", "1"));
    assert_eq!(fixture.calls(), 2);
    gate.let_one_pass();
    settled().await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "2"));

    // Past the window, a request waits.
    tokio::time::advance(2 * MINUTE).await;
    gate.let_one_pass();
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "3"));
}

/// A handler that answers once and fails from then on.
fn failing_later(
    fails: impl Fn() -> Result<StatusCode, Failure> + Send + Sync + 'static,
) -> Fixture {
    let fails = Arc::new(fails);
    Fixture::new(policy().stale_if_error(MINUTE), move |_, call| {
        let fails = fails.clone();
        async move {
            let mut response = Response::new(full(call.to_string()));
            if call > 1 {
                *response.status_mut() = fails()?;
            }
            Ok(response)
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_is_served_when_the_handler_fails() {
    let unavailable = failing_later(|| Ok(StatusCode::SERVICE_UNAVAILABLE));
    let broken = failing_later(|| Err(Failure("out of order")));
    for fixture in [unavailable, broken] {
        assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "1"));
        tokio::time::advance(MINUTE).await;
        let response = fixture.send(get("/cars/1")).await;
        assert_eq!(outcome(&response), stale(MINUTE, StaleReason::Error));
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(text(response).await, "1");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waited_for_a_call_that_failed_is_served_the_stale_answer_too() {
    let unavailable = || Ok(StatusCode::SERVICE_UNAVAILABLE);
    let broken = || Err(Failure("out of order"));
    let failures: [fn() -> Result<StatusCode, Failure>; 2] = [unavailable, broken];
    for fails in failures {
        let policy = policy().stale_if_error(MINUTE);
        let (fixture, gate) = Fixture::gated(policy, 2.., move |call| {
            let mut response = ok(call.to_string());
            if call > 1 {
                *response.status_mut() = fails()?;
            }
            Ok(response)
        });
        assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "1"));
        tokio::time::advance(MINUTE).await;
        let clients = [(); 5].map(|()| fixture.asking_for("/cars/1"));
        gate.arrival().await;
        settled().await;
        gate.let_one_pass();
        for client in clients {
            assert_eq!(client.await.unwrap(), seen("STALE", "1"));
        }
        assert_eq!(fixture.calls(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_failure_is_served_as_it_is() {
    let fixture = failing_later(|| Ok(StatusCode::NOT_FOUND));
    fixture.ask_for("/cars/1").await;
    tokio::time::advance(MINUTE).await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
}

#[tokio::test(start_paused = true)]
async fn past_its_window_a_failure_is_told() {
    let fixture = failing_later(|| Ok(StatusCode::SERVICE_UNAVAILABLE));
    fixture.ask_for("/cars/1").await;
    tokio::time::advance(2 * MINUTE).await;
    let response = fixture.send(get("/cars/1")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_soft_invalidation_makes_an_answer_stale_and_a_hard_one_removes_it() {
    let fixture = Fixture::new(policy().stale_while_revalidate(MINUTE), async |_, call| {
        Ok(ok(call.to_string()))
    });
    let invalidate = async |how| {
        let tags = [tag!("car:1")];
        fixture.cache.invalidate(&tags, how).await.unwrap();
    };
    fixture.ask_for("/cars/1").await;
    invalidate(Invalidation::Soft).await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("STALE", "1"));
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "2"));
    invalidate(Invalidation::Hard).await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "3"));
    invalidate(Invalidation::Hard).await;
    invalidate(Invalidation::Soft).await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "4"));
}

#[tokio::test]
async fn a_soft_invalidation_of_a_policy_without_windows_is_a_miss() {
    let fixture = Fixture::counting();
    fixture.ask_for("/cars/1").await;
    let tags = [tag!("car:1")];
    fixture
        .cache
        .invalidate(&tags, Invalidation::Soft)
        .await
        .unwrap();
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
}

#[tokio::test]
async fn requests_for_what_cannot_be_stored_do_not_wait_for_each_other() {
    let (fixture, gate) = Fixture::gated(policy(), 2.., |call| {
        let mut response = ok(call.to_string());
        *response.status_mut() = StatusCode::NOT_FOUND;
        Ok(response)
    });
    let first = fixture.send(get("/cars/1")).await;
    let unstorable = Some(Unstorable::Status);
    assert_eq!(outcome(&first), Outcome::Miss { unstorable });
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let fixture = fixture.clone();
        clients.spawn(async move { fixture.send(get("/cars/1")).await.status() });
    }
    // All three are with the handler before any of them has its answer.
    for _ in 0..3 {
        gate.arrival().await;
    }
    for _ in 0..3 {
        gate.let_one_pass();
    }
    assert_eq!(clients.join_all().await, [StatusCode::NOT_FOUND; 3]);
}

#[tokio::test]
async fn another_method_is_a_bypass() {
    let fixture = Fixture::counting();
    let mut request = get("/cars/1");
    *request.method_mut() = http::Method::DELETE;
    let response = fixture.send(request).await;
    assert_eq!(outcome(&response), Outcome::Bypass(Bypass::Method));
    assert_eq!(response.headers()["cache-status"], "exodrive; fwd=method");
}
