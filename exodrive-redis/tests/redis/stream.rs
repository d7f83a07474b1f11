//! Following a stream, and what a reader is told about gaps.

use std::time::Duration;

use exodrive_faults::PATIENCE;
use exodrive_faults::Server;
use exodrive_redis::Command;
use exodrive_redis::ErrorKind;
use exodrive_redis::RedisClient;
use exodrive_redis::StreamEvent;
use exodrive_redis::StreamReader;
use tokio::time::timeout;

use crate::support::builder;
use crate::support::connect;

async fn add(redis: &RedisClient, value: u64) {
    let add = Command::new("XADD").arg("changes").arg("*");
    let add = add.arg("value").arg(value).arg("unused").arg("x");
    redis.query::<()>(&add).await.unwrap();
}

async fn next(reader: &mut StreamReader) -> StreamEvent {
    timeout(PATIENCE, reader.next()).await.unwrap().unwrap()
}

async fn value(reader: &mut StreamReader) -> u64 {
    match next(reader).await {
        StreamEvent::Entry(entry) => {
            let value = std::str::from_utf8(entry.field("value").unwrap()).unwrap();
            value.parse().unwrap()
        }
        event => panic!("{event:?}"),
    }
}

async fn lost(reader: &mut StreamReader) -> ErrorKind {
    match next(reader).await {
        StreamEvent::Lost(error) => error.kind(),
        event => panic!("{event:?}"),
    }
}

#[tokio::test]
async fn reads_what_is_added_from_now_on_in_order() {
    let server = Server::start();
    let redis = connect(&server).await;
    add(&redis, 0).await;
    let mut reader = redis.read_stream("changes");
    assert_eq!(next(&mut reader).await, StreamEvent::Began);
    for n in 1..=300 {
        add(&redis, n).await;
    }
    for n in 1..=300 {
        assert_eq!(value(&mut reader).await, n);
    }
    assert!(redis.health().is_connected());
}

#[tokio::test]
async fn misses_nothing_that_is_added_while_the_connection_is_lost() {
    let server = Server::start();
    let admin = server.admin().await;
    let redis = connect(&server).await;
    let mut reader = redis.read_stream("changes");
    assert_eq!(next(&mut reader).await, StreamEvent::Began);
    for n in 0..5 {
        add(&redis, n).await;
        assert_eq!(value(&mut reader).await, n);
    }
    admin.order("CLIENT KILL TYPE normal SKIPME yes").await;
    admin.order("XADD changes * value 5").await;
    assert_eq!(lost(&mut reader).await, ErrorKind::Unavailable);
    assert_eq!(next(&mut reader).await, StreamEvent::Resumed);
    assert_eq!(value(&mut reader).await, 5);
}

#[tokio::test]
async fn reports_a_gap_that_the_stream_does_not_reach_back_over() {
    let server = Server::start();
    let admin = server.admin().await;
    let redis = connect(&server).await;
    let mut reader = redis.read_stream("changes");
    assert_eq!(next(&mut reader).await, StreamEvent::Began);
    add(&redis, 0).await;
    assert_eq!(value(&mut reader).await, 0);
    // In one piece, so that the reader cannot come back in between.
    admin.order("MULTI").await;
    admin.order("CLIENT KILL TYPE normal SKIPME yes").await;
    admin.order("XADD changes * value 1").await;
    admin.order("XADD changes MAXLEN 1 * value 2").await;
    admin.order("EXEC").await;
    lost(&mut reader).await;
    assert_eq!(next(&mut reader).await, StreamEvent::Began);
    admin.order("XADD changes * value 3").await;
    assert_eq!(value(&mut reader).await, 3);
}

#[tokio::test]
async fn reports_a_gap_when_the_stream_is_deleted() {
    let server = Server::start();
    let admin = server.admin().await;
    let redis = connect(&server).await;
    let mut reader = redis.read_stream("changes");
    assert_eq!(next(&mut reader).await, StreamEvent::Began);
    add(&redis, 0).await;
    assert_eq!(value(&mut reader).await, 0);
    admin.order("FLUSHALL").await;
    // Nothing is added, so the gap is found while there is nothing to read.
    assert_eq!(next(&mut reader).await, StreamEvent::Began);
    add(&redis, 1).await;
    assert_eq!(value(&mut reader).await, 1);
    // What was added in between is lost for good.
    admin.order("MULTI").await;
    admin.order("XADD changes * value 2").await;
    admin.order("DEL changes").await;
    admin.order("XADD changes 9999999999999-0 value 3").await;
    admin.order("EXEC").await;
    assert_eq!(next(&mut reader).await, StreamEvent::Began);
    assert_eq!(value(&mut reader).await, 3);
}

#[tokio::test]
async fn reports_a_gap_after_a_restart_without_the_data() {
    let mut server = Server::start();
    let redis = connect(&server).await;
    let mut reader = redis.read_stream("changes");
    assert_eq!(next(&mut reader).await, StreamEvent::Began);
    add(&redis, 0).await;
    assert_eq!(value(&mut reader).await, 0);
    server.kill();
    lost(&mut reader).await;
    server.restart();
    assert_eq!(next(&mut reader).await, StreamEvent::Began);
    redis.require(PATIENCE).await.unwrap();
    add(&redis, 1).await;
    assert_eq!(value(&mut reader).await, 1);
}

#[tokio::test]
async fn notices_a_stall_within_the_wait_and_a_deadline() {
    let server = Server::start();
    let redis = builder(server.url())
        .deadline(Duration::from_millis(200))
        .build()
        .unwrap();
    redis.require(PATIENCE).await.unwrap();
    let mut reader = redis.read_stream("changes");
    assert_eq!(next(&mut reader).await, StreamEvent::Began);
    server.stall();
    let noticed = timeout(Duration::from_secs(3), lost(&mut reader)).await;
    server.resume();
    assert_eq!(noticed, Ok(ErrorKind::Timeout));
    assert_eq!(next(&mut reader).await, StreamEvent::Began);
}

#[tokio::test]
async fn a_demoted_server_is_read_no_more() {
    let server = Server::start();
    let admin = server.admin().await;
    let redis = connect(&server).await;
    let mut reader = redis.read_stream("changes");
    assert_eq!(next(&mut reader).await, StreamEvent::Began);
    add(&redis, 0).await;
    assert_eq!(value(&mut reader).await, 0);
    admin.order("REPLICAOF 127.0.0.1 1").await;
    lost(&mut reader).await;
    admin.order("REPLICAOF NO ONE").await;
    assert_eq!(next(&mut reader).await, StreamEvent::Resumed);
}
