//! What is left behind on the server.

use std::convert::Infallible;
use std::future::ready;

use exodrive_ratelimit::store::Source;
use exodrive_ratelimit::{
    Decision, HOUR, Limit, MINUTE, Outcome, Peer, Quota, RateLimitLayer, RateLimiter, RedisStore,
    Subject,
};
use exodrive_redis::Command;
use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Server, calls, limiter, order};

#[tokio::test]
async fn a_check_of_several_limits_is_one_call_and_a_refusal_writes_nothing() {
    let server = Server::start();
    let redis = server.connect().await;
    let limiter = limiter(
        &redis,
        [
            Limit::sliding_window("minute", 2, MINUTE).by_subject(),
            Limit::sliding_window("hour", 20, HOUR).by_subject(),
            Limit::gcra("rate", Quota::per_minute(20)).by_subject(),
        ],
    );
    // The first one also loads the script.
    assert!(limiter.check(Subject::user("u"), 1).await.is_ok());
    let (before, writes) = (calls(&redis, "evalsha").await, calls(&redis, "set").await);
    assert!(limiter.check(Subject::user("u"), 1).await.is_ok());
    assert_eq!(calls(&redis, "evalsha").await, before + 1);
    assert_eq!(calls(&redis, "set").await, writes + 3);
    assert!(limiter.check(Subject::user("u"), 1).await.is_err());
    assert_eq!(calls(&redis, "evalsha").await, before + 2);
    assert_eq!(calls(&redis, "set").await, writes + 3);
}

#[tokio::test]
async fn a_refused_client_costs_the_server_one_call_however_often_it_comes_back() {
    let server = Server::start();
    let redis = server.connect().await;
    let limiter = limiter(
        &redis,
        [
            Limit::sliding_window("narrow", 3, HOUR).by_ip(),
            Limit::sliding_window("wide", 300, HOUR).by_ip(),
        ],
    );
    let serve = |_: Request<()>| ready(Ok::<_, Infallible>(Response::new(())));
    let service = RateLimitLayer::new(limiter).layer(service_fn(serve));
    let before = calls(&redis, "evalsha").await;
    let mut waits = Vec::new();
    for n in 0..1_000 {
        let peer = Peer(([192, 0, 2, 1], 4711).into());
        let request = Request::builder().extension(peer).body(()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        let decision: &Decision = response.extensions().get().unwrap();
        assert_eq!(decision.outcome() == Outcome::Allowed, n < 3);
        assert_eq!(decision.source() == Source::DENY_CACHE, n > 3);
        waits.extend(decision.retry_after());
    }
    assert_eq!(calls(&redis, "evalsha").await, before + 4);
    // The time of the refusal stands, so the wait shrinks; the clocks differ by what the call took.
    assert!(waits.is_sorted_by(|earlier, later| earlier >= later));
    assert!(waits[996] > HOUR - MINUTE);
}

#[tokio::test]
async fn a_smaller_cost_than_the_refused_one_is_asked_for() {
    let server = Server::start();
    let redis = server.connect().await;
    let limiter = limiter(
        &redis,
        [Limit::sliding_window("units", 10, HOUR).by_subject()],
    );
    let costs = async |cost| limiter.check(Subject::user("u"), cost).await.map(drop);
    assert!(costs(6).await.is_ok());
    assert!(costs(5).await.is_err());
    assert!(costs(4).await.is_ok());
}

#[tokio::test]
async fn keys_are_small_and_end_when_nothing_counts_any_more() {
    let server = Server::start();
    let redis = server.connect().await;
    let store = RedisStore::new(redis.clone()).namespace("cars");
    let limiter = RateLimiter::builder(store)
        .limit(Limit::sliding_window("window", 60, MINUTE).by_ip())
        .limit(Limit::gcra("rate", Quota::per_minute(60)).by_ip())
        .build()
        .unwrap();
    let address = Subject::ip([192, 0, 2, 1].into());
    assert!(limiter.check(address, 30).await.is_ok());

    for (key, seconds, bytes) in [
        ("cars:{ip/192.0.2.1}:w:window", 54..=67, 160),
        ("cars:{ip/192.0.2.1}:g:rate", 28..=31, 120),
    ] {
        let rest: i64 = redis.query(&Command::new("PTTL").arg(key)).await.unwrap();
        assert!(seconds.contains(&(rest / 1000)), "{key}: {rest} ms");
        let usage = Command::new("MEMORY").arg("USAGE").arg(key);
        let used: i64 = redis.query(&usage).await.unwrap();
        assert!(used <= bytes, "{key}: {used} bytes");
    }
}

#[tokio::test]
async fn a_state_that_all_was_given_back_of_is_gone() {
    let server = Server::start();
    let redis = server.connect().await;
    let limiter = limiter(
        &redis,
        [
            Limit::sliding_window("window", 5, HOUR).by_subject(),
            Limit::gcra("rate", Quota::per_hour(5)).by_subject(),
        ],
    );
    let permit = limiter.check(Subject::user("u"), 3).await.unwrap();
    assert_eq!(order::<i64>(&redis, "DBSIZE").await, 2);
    permit.settle(0).await.unwrap();
    let size: i64 = order(&redis, "DBSIZE").await;
    // What has drained from the rate meanwhile was not given back, and is gone all the same.
    assert_eq!(size, 0);
}
