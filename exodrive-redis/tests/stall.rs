//! A server that stops for ten seconds under load. Alone in its process, as it is about time.

use std::time::Duration;

use exodrive_faults::Server;
use exodrive_redis::Command;
use exodrive_redis::ErrorKind;
use exodrive_redis::RedisClient;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio::time::sleep;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_millis(50);
const RATE: usize = 1_000;
const STALL: Duration = Duration::from_secs(10);
/// Machines that run tests do other things too.
const TOLERANCE: u32 = 2;

/// One call: how long it took, how long its twin took that only waited for the deadline, and
/// whether it ran out of time.
struct Sample {
    took: Duration,
    twin: Duration,
    timed_out: bool,
}

async fn sample(redis: RedisClient) -> Sample {
    let twin = async {
        let begun = Instant::now();
        sleep(DEADLINE).await;
        begun.elapsed()
    };
    let call = async {
        let begun = Instant::now();
        let outcome = redis.query::<()>(&Command::new("GET").arg("a")).await;
        let timed_out = outcome.is_err_and(|error| error.kind() == ErrorKind::Timeout);
        (begun.elapsed(), timed_out)
    };
    let (twin, (took, timed_out)) = tokio::join!(twin, call);
    Sample {
        took,
        twin,
        timed_out,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_of_ten_seconds_touches_few_calls_and_none_for_longer_than_the_deadline() {
    let server = Server::start();
    let redis = RedisClient::builder(server.url())
        .deadline(DEADLINE)
        .build()
        .unwrap();
    redis.require(Duration::from_secs(30)).await.unwrap();

    let load = tokio::spawn({
        let redis = redis.clone();
        async move {
            let mut calls = JoinSet::new();
            let mut ticks = interval(Duration::from_secs(1) / RATE as u32);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            for _ in 0..RATE * (STALL.as_secs() as usize + 2) {
                ticks.tick().await;
                calls.spawn(sample(redis.clone()));
            }
            calls.join_all().await
        }
    });
    sleep(Duration::from_millis(500)).await;
    server.stall();
    sleep(STALL).await;
    assert!(!redis.health().is_connected());
    server.resume();
    let recovery = Duration::from_millis(2_500) * TOLERANCE;
    timeout(recovery, redis.require(recovery))
        .await
        .unwrap()
        .unwrap();

    let samples = load.await.unwrap();
    let timed_out = samples.iter().filter(|sample| sample.timed_out).count();
    let limit = (RATE * DEADLINE.as_millis() as usize / 1_000 + 5) * TOLERANCE as usize;
    assert!((1..=limit).contains(&timed_out), "{timed_out} of {limit}");
    // A machine that is late for everything is late for the twin as well.
    let slowest = samples.iter().map(|sample| sample.took).max().unwrap();
    let lateness = samples.iter().map(|sample| sample.twin).max().unwrap();
    let limit = lateness + Duration::from_millis(10) * TOLERANCE;
    assert!(slowest <= limit, "{slowest:?} of {limit:?}");
    let mut took: Vec<_> = samples.iter().map(|sample| sample.took).collect();
    took.sort_unstable();
    let p98 = took[took.len() * 98 / 100];
    assert!(p98 < Duration::from_millis(5) * TOLERANCE, "{p98:?}");
}
