//! What happens when the handler takes its time.

use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::{CachePolicy, Outcome, StaleReason, Unanswered, Unstorable};
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use tokio::sync::mpsc;
use tokio::time::{Instant, advance, sleep};

use super::support::{Failure, Fixture, get, ok, outcome, policy, seen, settled, text};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A handler that answers with the number of its call after that many seconds.
fn slower_each_time(policy: CachePolicy) -> Fixture {
    Fixture::new(policy, async |_, call| {
        sleep(SECOND * u32::try_from(call).unwrap()).await;
        Ok(ok(call.to_string()))
    })
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_is_served_when_the_handler_is_slow_and_the_fill_goes_on() {
    let policy = policy()
        .stale_if_error(MINUTE)
        .early_refresh(0.0)
        .soft_timeout(SECOND);
    let fixture = slower_each_time(policy);
    // There is nothing stale yet, so this waits for the handler.
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "1"));
    advance(MINUTE).await;
    let asked = Instant::now();
    let (leader, follower) =
        tokio::join!(fixture.send(get("/cars/1")), fixture.send(get("/cars/1")));
    assert_eq!(asked.elapsed(), SECOND);
    for stale in [leader, follower] {
        let Outcome::Stale { reason, .. } = outcome(&stale) else {
            panic!("not stale");
        };
        assert_eq!(reason, StaleReason::Slow);
        assert_eq!(text(stale).await, "1");
    }
    sleep(SECOND).await;
    settled().await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "2"));
}

/// Counts how often it is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_given_up_and_the_key_is_not() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = dropped.clone();
    let fixture = Fixture::new(policy().timeout(2 * SECOND), move |_, call| {
        let guard = Dropped(count.clone());
        async move {
            if call == 1 {
                future::pending::<()>().await;
            }
            drop(guard);
            Ok(ok(call.to_string()))
        }
    });
    let (leader, follower) = tokio::join!(fixture.send(get("/cars/1")), async {
        sleep(SECOND).await;
        fixture.ask_for("/cars/1").await
    });
    assert_eq!(leader.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(outcome(&leader), Outcome::Unanswered(Unanswered::Slow));
    // It has waited for half of its time only, so it asked again.
    assert_eq!(follower, seen("MISS", "2"));
    assert_eq!(dropped.load(Ordering::SeqCst), 2);
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "2"));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_the_timeout() {
    let fixture = Fixture::new(policy().timeout(2 * SECOND), async |_, _| {
        future::pending::<()>().await;
        Err(Failure("never"))
    });
    let asked = async |after| {
        sleep(after).await;
        let asked = Instant::now();
        let response = fixture.send(get("/cars/1")).await;
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
        asked.elapsed()
    };
    let waits = tokio::join!(asked(Duration::ZERO), asked(SECOND / 2), asked(SECOND));
    assert_eq!(waits, (2 * SECOND, 2 * SECOND, 2 * SECOND));
    // Those who waited along called once more between them, not once each.
    assert_eq!(fixture.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_is_served_when_the_handler_hangs() {
    let fixture = Fixture::new(
        policy().timeout(SECOND).stale_if_error(MINUTE),
        async |_, call| {
            if call > 1 {
                future::pending::<()>().await;
            }
            Ok(ok(call.to_string()))
        },
    );
    fixture.ask_for("/cars/1").await;
    advance(MINUTE).await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("STALE", "1"));
}

/// A handler whose body is written by the test.
fn written(declared: Option<u64>) -> (Fixture, mpsc::UnboundedReceiver<Sender<Bytes, Failure>>) {
    let (give, take) = mpsc::unbounded_channel();
    let fixture = Fixture::new(policy().timeout(2 * SECOND), move |_, _| {
        let give = give.clone();
        async move {
            let (sender, body) = Channel::new(16);
            give.send(sender).unwrap();
            let mut response = Response::new(body.boxed());
            if let Some(length) = declared {
                let headers = response.headers_mut();
                headers.insert("content-length", length.into());
            }
            Ok(response)
        }
    });
    (fixture, take)
}

#[tokio::test(start_paused = true)]
async fn a_body_of_unknown_end_that_takes_too_long_is_nobody_elses() {
    let (fixture, mut senders) = written(None);
    let first = fixture.send(get("/cars/1")).await;
    let mut sender = senders.recv().await.unwrap();
    sender.send_data(Bytes::from("one")).await.unwrap();
    sleep(SECOND).await;
    let follower = tokio::spawn({
        let fixture = fixture.clone();
        async move { outcome(&fixture.send(get("/cars/1")).await) }
    });
    for piece in ["two", "three"] {
        sender.send_data(Bytes::from(piece)).await.unwrap();
        sleep(SECOND).await;
    }
    // The others have gone to the handler, as will those who come in the next seconds.
    let unstorable = Some(Unstorable::Abandoned);
    assert_eq!(follower.await.unwrap(), Outcome::Miss { unstorable });
    drop(sender);
    assert_eq!(text(first).await, "onetwothree");
}

#[tokio::test(start_paused = true)]
async fn a_body_of_known_length_may_take_long_while_it_moves() {
    let (fixture, mut senders) = written(Some(9));
    let first = fixture.send(get("/cars/1")).await;
    let mut sender = senders.recv().await.unwrap();
    for piece in ["one", "two", "six"] {
        sleep(SECOND).await;
        sender.send_data(Bytes::from(piece)).await.unwrap();
    }
    drop(sender);
    assert_eq!(text(first).await, "onetwosix");
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "onetwosix"));
}
