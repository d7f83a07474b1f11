//! When an answer ends before its time, and when it is replaced before its end.

use std::time::Duration;

use exodrive_cache::{Cache, CachePolicy, MemoryStore, Outcome, Percent};
use tokio::time::{advance, sleep};

use super::support::{Fixture, get, ok, outcome, policy, seen, settled};

const SECOND: Duration = Duration::from_secs(1);

/// A handler that takes a second and answers with the number of its call, where every draw is `chance`.
fn slow(policy: CachePolicy, chance: f64) -> Fixture {
    let cache = Cache::builder(MemoryStore::default()).chance(move || chance);
    Fixture::on(cache, policy, async |_, call| {
        sleep(SECOND).await;
        Ok(ok(call.to_string()))
    })
}

#[tokio::test(start_paused = true)]
async fn answers_end_by_chance_and_never_late() {
    for (jitter, chance, expected) in [(10, 0.0, 60), (10, 0.5, 57), (50, 1.0, 30), (0, 1.0, 60)] {
        let policy = policy().jitter(Percent::new(jitter)).early_refresh(0.0);
        let fixture = slow(policy, chance);
        fixture.ask_for("/cars/1").await;
        let Outcome::Hit { age, ttl } = outcome(&fixture.send(get("/cars/1")).await) else {
            panic!("not a hit");
        };
        assert_eq!((age + ttl).as_secs_f64().round(), f64::from(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_replaced_before_its_end_without_anybody_waiting() {
    // -ln(1 - 0.99) is 4.6: every request looks 4.6 handler times ahead.
    let fixture = slow(policy(), 0.99);
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "1"));
    advance(55 * SECOND).await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "1"));
    assert_eq!(fixture.calls(), 1);

    advance(SECOND / 2).await;
    // One refresh is enough, however many see that it is due.
    for _ in 0..3 {
        assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "1"));
    }
    sleep(2 * SECOND).await;
    settled().await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "2"));
    assert_eq!(fixture.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_stays_until_its_end_when_told_so() {
    let fixture = slow(policy().early_refresh(0.0), 0.99);
    fixture.ask_for("/cars/1").await;
    advance(60 * SECOND - Duration::from_nanos(1)).await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "1"));
    sleep(2 * SECOND).await;
    assert_eq!(fixture.calls(), 1);
}
