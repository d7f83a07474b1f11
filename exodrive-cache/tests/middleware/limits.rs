//! How much a route may have under way at once.

use std::time::Duration;

use exodrive_cache::{Invalidation, Outcome, StaleReason, Unanswered, tag};
use http::StatusCode;
use tokio::time::advance;

use super::support::{Fixture, get, numbered, outcome, policy, seen, settled};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_call_too_many_is_refused_at_once() {
    let (fixture, gate) = Fixture::gated(policy().max_calls(1), .., numbered);
    let first = fixture.asking_for("/cars/1");
    gate.arrival().await;
    let refused = fixture.send(get("/cars/2")).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(
        refused.headers()["cache-status"],
        "exodrive; fwd=miss; detail=overloaded"
    );
    let overloaded = Outcome::Unanswered(Unanswered::Overloaded);
    assert_eq!(outcome(&refused), overloaded);

    // An equal request makes no call of its own.
    let equal = fixture.asking_for("/cars/1");
    settled().await;
    gate.let_one_pass();
    assert_eq!(first.await.unwrap(), seen("MISS", "1"));
    assert_eq!(equal.await.unwrap(), seen("MISS", "1"));
    gate.let_one_pass();
    assert_eq!(fixture.ask_for("/cars/2").await, seen("MISS", "2"));
}

#[tokio::test(start_paused = true)]
async fn a_call_too_many_gets_a_stale_answer() {
    let policy = policy().max_calls(1).stale_if_error(MINUTE);
    let (fixture, gate) = Fixture::gated(policy, 2.., numbered);
    fixture.ask_for("/cars/1").await;
    advance(MINUTE).await;
    let busy = fixture.asking_for("/cars/2");
    gate.arrival().await;
    let stale = fixture.send(get("/cars/1")).await;
    let (age, reason) = (MINUTE, StaleReason::Overloaded);
    assert_eq!(outcome(&stale), Outcome::Stale { age, reason });
    gate.let_one_pass();
    busy.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refresh_too_many_is_dropped() {
    let policy = policy().max_refreshes(1).stale_while_revalidate(MINUTE);
    let (fixture, gate) = Fixture::gated(policy, 3.., numbered);
    fixture.ask_for("/cars/1").await;
    fixture.ask_for("/cars/2").await;
    advance(MINUTE).await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("STALE", "1"));
    gate.arrival().await;
    assert_eq!(fixture.ask_for("/cars/2").await, seen("STALE", "2"));
    assert_eq!(fixture.calls(), 3);

    // Once there is room, the next request that finds it due has it refreshed.
    gate.let_one_pass();
    settled().await;
    assert_eq!(fixture.ask_for("/cars/2").await, seen("STALE", "2"));
    gate.arrival().await;
    gate.let_one_pass();
    settled().await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "3"));
    assert_eq!(fixture.ask_for("/cars/2").await, seen("HIT", "4"));
}

#[tokio::test]
async fn a_refresh_is_a_call_too() {
    let policy = policy().max_calls(1).stale_while_revalidate(MINUTE);
    let (fixture, gate) = Fixture::gated(policy, 2.., numbered);
    fixture.ask_for("/cars/1").await;
    let tags = [tag!("car:1")];
    fixture
        .cache
        .invalidate(&tags, Invalidation::Soft)
        .await
        .unwrap();
    let busy = fixture.asking_for("/cars/2");
    gate.arrival().await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("STALE", "1"));
    assert_eq!(fixture.calls(), 2);
    gate.let_one_pass();
    assert_eq!(busy.await.unwrap(), seen("MISS", "2"));
}
