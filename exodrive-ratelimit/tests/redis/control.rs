//! Orders that are given through one instance and obeyed by others.

use std::time::Duration;

use exodrive_ratelimit::testing::{ManualClock, TestClock};
use exodrive_ratelimit::{
    Control, DAY, EventKind, HOUR, Limit, MINUTE, Mode, Outcome, Override, Penalty, Quota,
    RateLimiter, RedisStore, Subject,
};
use exodrive_redis::RedisClient;

use crate::support::{Server, calls, limiter, order};

fn daily(max: u32) -> [Limit; 1] {
    [Limit::sliding_window("daily", max, DAY).by_subject()]
}

fn ada() -> Subject {
    Subject::user("ada")
}

async fn outcome(limiter: &RateLimiter<RedisStore>, subject: Subject) -> Outcome {
    match limiter.check(subject, 1).await {
        Ok(permit) => permit.decision().outcome(),
        Err(refused) => refused.decision().outcome(),
    }
}

/// An instance that asks by itself only after five seconds, told of what is new by somebody else's request.
async fn hears(limiter: &RateLimiter<RedisStore>) {
    outcome(limiter, Subject::user("somebody else")).await;
}

#[tokio::test]
async fn a_ban_through_one_instance_refuses_on_another_after_one_request() {
    let server = Server::start();
    let redis = server.connect().await;
    let (one, other) = (limiter(&redis, daily(9)), limiter(&redis, daily(9)));
    assert_eq!(outcome(&other, ada()).await, Outcome::Allowed);
    let control = one.control().by("bob");
    control.ban(ada(), HOUR, "scraping").await.unwrap();
    assert_eq!(outcome(&one, ada()).await, Outcome::Banned);
    hears(&other).await;
    assert_eq!(outcome(&other, ada()).await, Outcome::Banned);
    let entries = other.control().entries().await.unwrap();
    assert_eq!(
        (entries[0].actor(), entries[0].reason()),
        ("bob", "scraping")
    );

    control.unban(ada()).await.unwrap();
    hears(&other).await;
    assert_eq!(outcome(&other, ada()).await, Outcome::Allowed);
}

#[tokio::test]
async fn an_order_costs_an_instance_one_call_more_and_only_once() {
    let server = Server::start();
    let redis = server.connect().await;
    let (one, other) = (limiter(&redis, daily(900)), limiter(&redis, daily(900)));
    let control = one.control();
    control.ban(ada(), HOUR, "").await.unwrap();
    hears(&other).await;
    let before = calls(&redis, "evalsha").await;
    for _ in 0..10 {
        hears(&other).await;
    }
    assert_eq!(calls(&redis, "evalsha").await, before + 10);
    control.unban(ada()).await.unwrap();
    let before = calls(&redis, "evalsha").await;
    for _ in 0..10 {
        hears(&other).await;
    }
    assert_eq!(calls(&redis, "evalsha").await, before + 11);
}

#[tokio::test]
async fn another_size_and_another_mode_apply_from_the_next_request() {
    let server = Server::start();
    let redis = server.connect().await;
    let (one, other) = (limiter(&redis, daily(1)), limiter(&redis, daily(1)));
    assert_eq!(outcome(&other, ada()).await, Outcome::Allowed);
    assert_eq!(outcome(&other, ada()).await, Outcome::Refused);
    let control = one.control();
    let three = Override::quota(Quota::per_day(3));
    control
        .resize(ada(), Some("daily"), three, HOUR, "support")
        .await
        .unwrap();
    // What the other repeats of its refusal is forgotten along with it.
    hears(&other).await;
    for expected in [Outcome::Allowed, Outcome::Allowed, Outcome::Refused] {
        assert_eq!(outcome(&other, ada()).await, expected);
    }
    control
        .set_mode("daily", Mode::Shadow, HOUR, "")
        .await
        .unwrap();
    hears(&other).await;
    assert_eq!(outcome(&other, ada()).await, Outcome::Allowed);
    control.suspend(HOUR, "").await.unwrap();
    hears(&other).await;
    let permit = other.check(ada(), 1_000).await.unwrap();
    assert!(permit.decision().limits().is_empty());
}

#[tokio::test]
async fn whoever_has_been_refused_hears_it_too() {
    let server = Server::start();
    let redis = server.connect().await;
    let (one, other) = (limiter(&redis, daily(1)), limiter(&redis, daily(1)));
    outcome(&one, ada()).await;
    let unlimited = Override::unlimited();
    one.control()
        .resize(ada(), None, unlimited, HOUR, "")
        .await
        .unwrap();
    assert_eq!(outcome(&other, ada()).await, Outcome::Refused);
    assert_eq!(outcome(&other, ada()).await, Outcome::Allowed);
}

#[tokio::test]
async fn a_reset_through_one_instance_is_no_longer_refused_on_another() {
    let server = Server::start();
    let redis = server.connect().await;
    let (one, other) = (limiter(&redis, daily(1)), limiter(&redis, daily(1)));
    outcome(&other, ada()).await;
    assert_eq!(outcome(&other, ada()).await, Outcome::Refused);
    one.control().reset(ada()).await.unwrap();
    hears(&other).await;
    assert_eq!(outcome(&other, ada()).await, Outcome::Allowed);
}

/// Several instances that tell the time by one clock.
fn clocked(redis: &RedisClient, clock: &ManualClock, penalty: Penalty) -> RateLimiter<RedisStore> {
    let [daily] = daily(1);
    let store = RedisStore::new(redis.clone()).clocked_by(clock.clone());
    let builder = RateLimiter::builder(store).limit(daily).penalty(penalty);
    builder.build().unwrap()
}

#[tokio::test]
async fn orders_end_by_themselves_everywhere_and_make_room() {
    let server = Server::start();
    let redis = server.connect().await;
    let clock = ManualClock::default();
    clock.set(Duration::from_secs(1_769_860_748));
    let penalty = Penalty::after(100);
    let (one, other) = (
        clocked(&redis, &clock, penalty),
        clocked(&redis, &clock, penalty),
    );
    let control: Control<_> = one.control();
    control.ban(ada(), MINUTE, "").await.unwrap();
    hears(&other).await;
    clock.advance(MINUTE - Duration::from_micros(1)).await;
    assert_eq!(outcome(&other, ada()).await, Outcome::Banned);
    clock.advance(Duration::from_micros(1)).await;
    assert_eq!(outcome(&one, ada()).await, Outcome::Allowed);
    assert_eq!(outcome(&other, ada()).await, Outcome::Refused);
    assert_eq!(order::<i64>(&redis, "HLEN rl:{control}:orders").await, 1);
    control.ban(Subject::user("bob"), MINUTE, "").await.unwrap();
    assert_eq!(
        order::<i64>(&redis, "HLEN rl:{control}:orders").await,
        1,
        "the old one is gone"
    );
}

#[tokio::test]
async fn strikes_on_all_instances_count_together_those_that_were_repeated_here_included() {
    let server = Server::start();
    let redis = server.connect().await;
    let clock = ManualClock::default();
    clock.set(Duration::from_secs(1_769_860_748));
    let penalty = Penalty::after(20).strikes_within(HOUR).ban(HOUR);
    let instances = [0; 2].map(|_| clocked(&redis, &clock, penalty));
    assert_eq!(outcome(&instances[0], ada()).await, Outcome::Allowed);
    let mut refusals = 0;
    loop {
        for instance in &instances {
            if outcome(instance, ada()).await == Outcome::Refused {
                refusals += 1;
            }
            assert!(refusals < 100, "never banned");
        }
        if !instances[0].control().entries().await.unwrap().is_empty() {
            break;
        }
    }
    // Each instance may hold back fewer than an offence, and what is in the background may be a little late.
    assert!((20..60).contains(&refusals), "{refusals}");
    for instance in &instances {
        hears(instance).await;
        assert_eq!(outcome(instance, ada()).await, Outcome::Banned);
    }
}

#[tokio::test]
async fn whoever_has_missed_many_changes_or_the_loss_of_all_catches_up() {
    let server = Server::start();
    let redis = server.connect().await;
    let (one, other) = (limiter(&redis, daily(9)), limiter(&redis, daily(9)));
    hears(&other).await;
    let control = one.control();
    control.ban(ada(), HOUR, "").await.unwrap();
    for _ in 0..1_200 {
        control.lift_mode("daily").await.unwrap();
    }
    hears(&other).await;
    assert_eq!(outcome(&other, ada()).await, Outcome::Banned);
    order::<()>(&redis, "FLUSHALL").await;
    hears(&other).await;
    assert_eq!(outcome(&other, ada()).await, Outcome::Allowed);
    control.ban(ada(), HOUR, "").await.unwrap();
    hears(&other).await;
    assert_eq!(outcome(&other, ada()).await, Outcome::Banned);
}

#[tokio::test]
async fn bans_hold_while_the_server_is_away() {
    let mut server = Server::start();
    let redis = server.connect().await;
    let limiter = limiter(&redis, daily(9));
    let control = limiter.control();
    control.ban(ada(), HOUR, "").await.unwrap();
    server.kill();
    assert_eq!(outcome(&limiter, ada()).await, Outcome::Banned);
    assert!(
        control.ban(ada(), HOUR, "").await.is_err(),
        "nobody is told it is kept"
    );
}

#[tokio::test]
async fn events_are_kept_for_all_and_only_so_many() {
    let server = Server::start();
    let redis = server.connect().await;
    let (one, other) = (limiter(&redis, daily(1)), limiter(&redis, daily(1)));
    for _ in 0..4 {
        outcome(&one, ada()).await;
    }
    one.control()
        .by("bob")
        .ban(ada(), HOUR, "too many\nrequests")
        .await
        .unwrap();
    let events = other.control().recent_events(2).await.unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].kind(), EventKind::Ordered);
    assert_eq!(events[0].detail(), "too many\nrequests");
    assert_eq!(
        (events[1].kind(), events[1].about()),
        (EventKind::Refused, "user/ada")
    );
}
