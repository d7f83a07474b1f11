//! Several instances of a service on one server.

use std::sync::Arc;

use exodrive_ratelimit::{DAY, HOUR, Limit, Quota, Subject};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::{Server, connected, limiter, order};

fn limits() -> Vec<Limit> {
    vec![
        Limit::sliding_window("wide", 300, DAY).by_subject(),
        Limit::gcra("narrow", Quota::per_day(100)).by_subject(),
        Limit::sliding_window("watched", 10, DAY)
            .by_subject()
            .shadow(),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_500_callers_at_once_on_four_instances_exactly_as_many_as_the_limit_are_admitted() {
    let server = Server::start();
    for limits in [
        vec![Limit::sliding_window("one", 100, DAY).by_subject()],
        limits(),
    ] {
        let mut instances = Vec::new();
        for _ in 0..4 {
            let redis = connected(server.builder()).await;
            instances.push(limiter(&redis, limits.clone()));
        }
        let barrier = Arc::new(Barrier::new(500));
        let mut callers = JoinSet::new();
        for n in 0..500 {
            let (limiter, barrier) = (instances[n % 4].clone(), Arc::clone(&barrier));
            callers.spawn(async move {
                barrier.wait().await;
                limiter.check(Subject::user("u"), 1).await.is_ok()
            });
        }
        let admitted = callers.join_all().await;
        assert_eq!(admitted.iter().filter(|admitted| **admitted).count(), 100);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_exactly_while_the_server_forgets_its_scripts() {
    let server = Server::start();
    let redis = server.connect().await;
    let limiter = limiter(
        &redis,
        [Limit::gcra("rate", Quota::per_day(250)).by_subject()],
    );
    let mut callers = JoinSet::new();
    for n in 0..500 {
        let (limiter, redis) = (limiter.clone(), redis.clone());
        callers.spawn(async move {
            if n % 50 == 0 {
                order::<()>(&redis, "SCRIPT FLUSH").await;
            }
            limiter.check(Subject::user("u"), 1).await.map(drop)
        });
    }
    let answers = callers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 250);
    let refusals = answers.into_iter().filter_map(Result::err);
    assert!(
        refusals
            .into_iter()
            .all(|refusal| refusal.limit().is_some()),
        "none for want of an answer"
    );
}

#[tokio::test]
async fn a_refund_through_one_instance_makes_room_on_another() {
    let server = Server::start();
    let bookings = || [Limit::sliding_window("booking", 1, HOUR).by_subject()];
    let redis = server.connect().await;
    let one = limiter(&redis, bookings());
    let other = limiter(&redis, bookings());
    let third = limiter(&redis, bookings());
    let permit = one.check(Subject::user("u"), 1).await.unwrap();
    assert!(other.check(Subject::user("u"), 1).await.is_err());
    permit.settle(0).await.unwrap();
    // The one that has just been refused may repeat that for a moment.
    assert!(third.check(Subject::user("u"), 1).await.is_ok());
}
