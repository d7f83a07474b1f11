//! What goes wrong between the handle and a healthy server.

use std::sync::Arc;
use std::time::Duration;

use exodrive_faults::Admin;
use exodrive_faults::Fault;
use exodrive_faults::PATIENCE;
use exodrive_faults::Proxy;
use exodrive_faults::Server;
use exodrive_redis::ErrorKind;
use exodrive_redis::RedisClient;
use exodrive_redis::RedisClientBuilder;
use exodrive_redis::Script;
use exodrive_redis::Status;
use exodrive_redis::StreamEvent;
use exodrive_redis::StreamReader;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::timeout;

use crate::support::assert_serves;
use crate::support::builder;
use crate::support::get;
use crate::support::set;
use crate::support::until;

async fn through_proxy() -> (Server, Proxy, RedisClientBuilder) {
    let server = Server::start();
    let proxy = Proxy::start(server.address()).await;
    let builder = builder(server.url_at(&proxy.address()));
    (server, proxy, builder)
}

async fn connected(builder: RedisClientBuilder) -> RedisClient {
    let redis = builder.build().unwrap();
    until(&redis, |health| health.connections() == 2).await;
    redis
}

#[tokio::test]
async fn a_delay_within_the_deadline_changes_nothing() {
    let (_server, proxy, builder) = through_proxy().await;
    let redis = connected(builder).await;
    let before = redis.health();
    proxy.fault(Fault::Delay(Duration::from_millis(20)));
    for _ in 0..20 {
        assert_serves(&redis).await;
    }
    assert_eq!(redis.health(), before);
}

#[tokio::test]
async fn a_delay_beyond_the_deadline_degrades_once_until_it_is_gone() {
    let (_server, proxy, builder) = through_proxy().await;
    let redis = connected(builder.deadline(Duration::from_millis(100))).await;
    proxy.fault(Fault::Delay(Duration::from_millis(300)));
    while redis.health().is_connected() {
        let error = redis.query::<()>(&get("a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }

    // Each of these connects and then answers the probe too late, so none is put to use.
    let since = redis.health().since();
    proxy.accepted_more_than(proxy.accepted() + 6).await;
    let health = redis.health();
    assert_eq!((health.status(), health.since()), (Status::Degraded, since));

    proxy.fault(Fault::None);
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
}

/// Makes calls until they have run out of time often enough, and waits for the cure to be found.
async fn runs_out_of_time_and_recovers(fault: Fault) {
    let (_server, proxy, builder) = through_proxy().await;
    let redis = connected(builder.deadline(Duration::from_millis(200))).await;
    proxy.fault(fault);
    while redis.health().is_connected() {
        let error = redis.query::<()>(&get("a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
    until(&redis, |health| health.connections() == 0).await;
    proxy.fault(Fault::None);
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
}

#[tokio::test]
async fn swallowed_replies_run_out_of_time_and_cost_the_connections() {
    runs_out_of_time_and_recovers(Fault::SwallowReplies).await;
}

#[tokio::test]
async fn swallowed_requests_run_out_of_time_and_cost_the_connections() {
    runs_out_of_time_and_recovers(Fault::SwallowRequests).await;
}

#[tokio::test]
async fn half_open_connections_are_replaced_while_new_ones_are_well() {
    let (_server, proxy, builder) = through_proxy().await;
    let redis = connected(builder.deadline(Duration::from_millis(200))).await;
    let made = redis.connections_made();
    proxy.fault(Fault::HalfOpen);
    while redis.health().is_connected() {
        let error = redis.query::<()>(&get("a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
    // The fault stays as it is.
    until(&redis, |health| {
        health.is_connected() && health.connections() == 2
    })
    .await;
    assert!(redis.connections_made() > made);
    assert_serves(&redis).await;
}

#[tokio::test]
async fn a_half_open_reader_of_a_stream_is_noticed_and_misses_nothing() {
    let (server, proxy, builder) = through_proxy().await;
    let admin = server.admin().await;
    let redis = connected(builder.deadline(Duration::from_millis(200))).await;
    let mut reader = redis.read_stream("changes");
    let next =
        async |reader: &mut StreamReader| timeout(PATIENCE, reader.next()).await.unwrap().unwrap();
    assert_eq!(next(&mut reader).await, StreamEvent::Began);
    admin.order("XADD changes 1-0 value 1").await;
    assert!(matches!(next(&mut reader).await, StreamEvent::Entry(_)));
    proxy.fault(Fault::HalfOpen);
    let begun = Instant::now();
    admin.order("XADD changes 2-0 value 2").await;
    let StreamEvent::Lost(error) = next(&mut reader).await else {
        panic!("read on over a connection that is not there");
    };
    assert_eq!(error.kind(), ErrorKind::Timeout);
    // One wait of the server and one deadline, and as much again for a busy machine.
    assert!(begun.elapsed() < Duration::from_millis(2_400));
    assert_eq!(next(&mut reader).await, StreamEvent::Resumed);
    let StreamEvent::Entry(entry) = next(&mut reader).await else {
        panic!("missed what was added meanwhile");
    };
    assert_eq!(entry.id(), "2-0");
}

#[tokio::test]
async fn resets_fail_calls_at_once_and_nothing_is_executed_twice() {
    const CALLERS: u32 = 20;
    const CALLS: u32 = 100;
    let (server, proxy, builder) = through_proxy().await;
    let redis = connected(builder).await;
    let count = Arc::new(Script::new("return redis.call('INCR', KEYS[1])"));
    proxy.fault(Fault::Reset(0.05));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (redis, count) = (redis.clone(), Arc::clone(&count));
        callers.spawn(async move {
            let mut answered = Vec::new();
            for call in 0..CALLS {
                let key = format!("{caller}:{call}");
                // A reset also fails the calls that are then made while there is no connection.
                redis.require(PATIENCE).await.unwrap();
                match redis.invoke(&count.keys([&key])).await {
                    Ok(1) => answered.push(key),
                    Ok(times) => panic!("executed {times} times"),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable),
                }
            }
            answered
        });
    }
    let answered = callers.join_all().await.concat();
    assert!(answered.len() < (CALLERS * CALLS) as usize);
    assert!(!answered.is_empty());

    // As the server has it: what was answered was executed, and nothing more than once.
    let admin = server.admin().await;
    for key in &answered {
        assert_eq!(value(&admin, key).await, Some(1), "{key}");
    }
    for (caller, call) in (0..CALLERS).flat_map(|caller| (0..CALLS).map(move |call| (caller, call)))
    {
        let key = format!("{caller}:{call}");
        assert!(value(&admin, &key).await.is_none_or(|times| times == 1));
    }
    proxy.fault(Fault::None);
    redis.require(PATIENCE).await.unwrap();
    assert_serves(&redis).await;
}

async fn value(admin: &Admin, key: &str) -> Option<u32> {
    admin.ask(&format!("GET {key}")).await
}

#[tokio::test]
async fn a_corrupt_reply_is_a_protocol_error_and_costs_its_connection() {
    let (_server, proxy, builder) = through_proxy().await;
    let redis = connected(builder).await;
    let attempts = proxy.accepted();
    proxy.fault(Fault::Corrupt);
    let error = redis.query::<()>(&get("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    proxy.fault(Fault::None);
    until(&redis, |health| health.connections() == 2).await;
    assert!(proxy.accepted() > attempts);
    assert_serves(&redis).await;
}

#[tokio::test]
async fn a_reply_cut_short_fails_its_call_and_no_other() {
    let (_server, proxy, builder) = through_proxy().await;
    let redis = connected(builder).await;
    let long = "value".repeat(1_000);
    assert_eq!(redis.query::<()>(&set("a", &long)).await, Ok(()));
    for _ in 0..3 {
        proxy.fault(Fault::CutAfter(2_500));
        let error = redis.query::<String>(&get("a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        proxy.fault(Fault::None);
        assert_eq!(redis.query(&get("a")).await, Ok(long.clone()));
        until(&redis, |health| health.connections() == 2).await;
    }
}
