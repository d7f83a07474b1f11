//! What is left behind: nothing.

use std::future::Future;
use std::pin::pin;
use std::task::Context;
use std::task::Waker;

use exodrive_faults::PATIENCE;
use exodrive_faults::Server;
use exodrive_redis::RedisClient;
use exodrive_redis::Script;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::support::builder;
use crate::support::connect;
use crate::support::eventually;
use crate::support::get;
use crate::support::set;
use crate::support::until;

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn dropped_calls_leave_nothing_behind_and_shift_no_reply() {
    let server = Server::start();
    let redis = connect(&server).await;
    for key in 0..10 {
        let key = key.to_string();
        redis.query::<()>(&set(&key, &key)).await.unwrap();
    }
    let script = Script::new("return KEYS[1]");
    let before = until(&redis, |health| health.connections() == 2).await;
    for round in 0..2_000_u32 {
        let key = (round % 10).to_string();
        let (get, call) = (get(&key), script.keys([&key]));
        {
            let mut dropped = pin!(redis.query::<String>(&get));
            let mut also_dropped = pin!(redis.invoke::<String>(&call));
            let mut context = Context::from_waker(Waker::noop());
            assert!(dropped.as_mut().poll(&mut context).is_pending());
            assert!(also_dropped.as_mut().poll(&mut context).is_pending());
            // Every other time the connection gets to send what is about to be dropped.
            if round % 2 == 0 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(redis.in_flight(), 0);
        if round % 7 == 0 {
            assert_eq!(redis.query(&get).await, Ok(key));
        }
    }
    assert_eq!(redis.health(), before);
}

#[tokio::test]
async fn dropped_calls_to_a_stalled_server_are_no_failures() {
    let server = Server::start();
    let redis = connect(&server).await;
    server.stall();
    for _ in 0..100 {
        let command = get("a");
        let mut dropped = pin!(redis.query::<()>(&command));
        let mut context = Context::from_waker(Waker::noop());
        assert!(dropped.as_mut().poll(&mut context).is_pending());
    }
    assert!(redis.health().is_connected());
    server.resume();
    assert_eq!(redis.query::<()>(&get("a")).await, Ok(()));
}

#[tokio::test]
async fn the_last_handle_takes_its_tasks_and_connections_along() {
    let server = Server::start();
    let admin = server.admin().await;
    // The plain connection has a task of its own.
    eventually(|| tasks() == 1).await;
    let redis = connect(&server).await;
    until(&redis, |health| health.connections() == 2).await;
    let mut health = redis.watch();
    let last = redis.clone();
    drop(redis);
    assert_eq!(last.query::<()>(&get("a")).await, Ok(()));
    assert!(tasks() > 1);
    drop(last);
    eventually(|| tasks() == 1).await;
    let gone = async {
        while health.changed().await.is_ok() {}
        let alone = |clients: &String| clients.lines().count() == 1;
        admin.until("CLIENT LIST", alone).await;
    };
    timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test]
async fn a_handle_without_a_server_ends_its_tasks_too() {
    let mut server = Server::start();
    server.kill();
    let redis = builder(server.url()).build().unwrap();
    assert!(tasks() > 0);
    drop(redis);
    eventually(|| tasks() == 0).await;
}

#[test]
fn handles_and_calls_can_go_anywhere() {
    fn anywhere<T: Send + Sync + 'static>() {}
    fn sent<T: Send>(_: impl FnOnce(&'static RedisClient, &'static Script) -> T) {}
    anywhere::<RedisClient>();
    anywhere::<exodrive_redis::Error>();
    anywhere::<exodrive_redis::Health>();
    sent(|redis, script| async move {
        redis.query::<()>(&get("a")).await?;
        redis.pipeline([get("a")]).await?;
        redis.invoke::<i64>(&script.keys(["a"]).arg(1)).await
    });
}
