//! A handler that reads from a replica, which is behind.

use std::time::Duration;

use exodrive_cache::{Invalidation, tag};
use tokio::time::advance;

use super::support::{CarUpdated, Fixture, numbered, policy, seen};

const SECOND: Duration = Duration::from_secs(1);

fn fixture(lag: Duration) -> Fixture {
    Fixture::new(policy().replica_lag(lag), async |_, call| numbered(call))
}

#[tokio::test(start_paused = true)]
async fn what_may_be_older_than_an_invalidation_is_served_and_not_stored() {
    for how in [Invalidation::Hard, Invalidation::Soft] {
        let fixture = fixture(2 * SECOND);
        fixture.ask_for("/cars/1").await;
        assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "1"));
        let tags = [tag!("car:1")];
        fixture.cache.invalidate(&tags, how).await.unwrap();
        assert_eq!(
            fixture.ask_for("/cars/1").await,
            seen("MISS", "2"),
            "{how:?}"
        );
        advance(2 * SECOND - SECOND / 1_000).await;
        assert_eq!(
            fixture.ask_for("/cars/1").await,
            seen("MISS", "3"),
            "{how:?}"
        );
        advance(SECOND / 1_000).await;
        assert_eq!(
            fixture.ask_for("/cars/1").await,
            seen("MISS", "4"),
            "{how:?}"
        );
        assert_eq!(
            fixture.ask_for("/cars/1").await,
            seen("HIT", "4"),
            "{how:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_invalidated_is_stored() {
    let fixture = fixture(2 * SECOND);
    fixture.cache.publish(&CarUpdated(1)).await.unwrap();
    assert_eq!(fixture.ask_for("/cars/2").await, seen("MISS", "1"));
    assert_eq!(fixture.ask_for("/cars/2").await, seen("HIT", "1"));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_reads_what_was_committed_last_is_believed_at_once() {
    let fixture = fixture(Duration::ZERO);
    fixture.cache.publish(&CarUpdated(1)).await.unwrap();
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "1"));
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "1"));
}
