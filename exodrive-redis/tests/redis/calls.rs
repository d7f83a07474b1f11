//! What a healthy server is asked and answers.

use std::sync::Arc;
use std::sync::LazyLock;

use exodrive_faults::Admin;
use exodrive_faults::PATIENCE;
use exodrive_faults::Server;
use exodrive_redis::Command;
use exodrive_redis::Error;
use exodrive_redis::ErrorKind;
use exodrive_redis::Reply;
use exodrive_redis::Script;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::builder;
use crate::support::connect;
use crate::support::eventually;
use crate::support::get;
use crate::support::set;
use crate::support::until;

/// KEYS[1] counter. Returns the new count.
static COUNT: LazyLock<Script> =
    LazyLock::new(|| Script::new("return redis.call('INCR', KEYS[1])"));

#[tokio::test]
async fn carries_any_bytes_there_and_back() {
    let server = Server::start();
    let redis = connect(&server).await;
    let value: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let key = b"\0\r\n{}*\xff";
    let set = Command::new("SET").arg(key).arg(&value);
    assert_eq!(redis.query(&set).await, Ok(Reply::Status("OK".into())));
    let get_it = Command::new("GET").arg(key);
    assert_eq!(redis.query(&get_it).await, Ok(Some(value)));
    assert_eq!(redis.query::<Option<Vec<u8>>>(&get("none")).await, Ok(None));
}

#[tokio::test]
async fn a_pipeline_has_an_outcome_for_each_command() {
    let server = Server::start();
    let redis = connect(&server).await;
    let commands = [
        set("word", "text"),
        Command::new("INCR").arg("word"),
        Command::new("INCRBY").arg("number").arg(7),
    ];
    let outcomes = redis.pipeline(commands).await.unwrap();
    assert_eq!(outcomes[0], Ok(Reply::Status("OK".into())));
    assert_eq!(outcomes[1].as_ref().unwrap_err().server_code(), Some("ERR"));
    assert_eq!(outcomes[2], Ok(Reply::Integer(7)));
    assert_eq!(redis.pipeline([]).await, Ok(vec![]));
}

#[tokio::test]
async fn a_script_gets_its_keys_and_arguments_and_is_run_once() {
    let server = Server::start();
    let redis = connect(&server).await;
    let script = Script::new("return {redis.call('INCRBY', KEYS[1], ARGV[1]), #KEYS, #ARGV}");
    for round in 1..=3 {
        let call = script.keys(["count", "other"]).arg(5).arg("unused");
        assert_eq!(redis.invoke::<[i64; 3]>(&call).await, Ok([5 * round, 2, 2]));
    }
}

#[tokio::test]
async fn the_error_of_a_script_is_refused_and_tells_the_developer_why() {
    let server = Server::start();
    let redis = connect(&server).await;
    let script = Script::new("return redis.error_reply('LIMIT none of that')");
    let call = script.keys::<&str>([]);
    let error = redis.invoke::<i64>(&call).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(error.server_code(), Some("LIMIT"));
    assert_eq!(error.server_message(), Some("none of that"));
}

#[tokio::test]
async fn a_reply_of_another_type_is_a_protocol_error() {
    let server = Server::start();
    let redis = connect(&server).await;
    let error = redis.query::<i64>(&set("a", "b")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_exactly_while_scripts_are_flushed_under_500_callers() {
    const CALLERS: usize = 500;
    const CALLS: usize = 4;
    let server = Server::start();
    let admin = server.admin().await;
    let redis = connect(&server).await;
    let start = Arc::new(Barrier::new(CALLERS));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (redis, start) = (redis.clone(), Arc::clone(&start));
        callers.spawn(async move {
            start.wait().await;
            for _ in 0..CALLS {
                redis.invoke::<i64>(&COUNT.keys(["count"])).await?;
            }
            Ok::<_, Error>(())
        });
    }
    let mut finished = 0;
    while finished < CALLERS {
        admin.order("SCRIPT FLUSH SYNC").await;
        while let Some(outcome) = callers.try_join_next() {
            assert_eq!(outcome.unwrap(), Ok(()));
            finished += 1;
        }
    }
    let count: String = redis.query(&get("count")).await.unwrap();
    assert_eq!(count, (CALLERS * CALLS).to_string());
}

#[tokio::test]
async fn one_call_more_than_allowed_in_flight_fails_at_once() {
    let server = Server::start();
    let redis = builder(server.url()).in_flight(2).build().unwrap();
    redis.require(PATIENCE).await.unwrap();
    server.stall();
    let mut waiting = JoinSet::new();
    for _ in 0..2 {
        let redis = redis.clone();
        waiting.spawn(async move { redis.query::<()>(&get("a")).await });
    }
    eventually(|| redis.in_flight() == 2).await;
    let error = redis.query::<()>(&get("a")).await.unwrap_err();
    server.resume();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(waiting.join_all().await, [Ok(()), Ok(())]);
    assert_eq!(redis.query::<()>(&get("a")).await, Ok(()));
}

#[tokio::test]
async fn works_with_the_least_permissions() {
    let server = Server::allowing("~exo:* +get +set +time");
    let admin = server.admin().await;
    let redis = connect(&server).await;
    until(&redis, |health| health.connections() == 2).await;
    assert_eq!(redis.query::<()>(&set("exo:a", "b")).await, Ok(()));
    let stamp = Script::new("redis.call('SET', KEYS[1], redis.call('TIME')[1]) return 1");
    for _ in 0..2 {
        admin.order("SCRIPT FLUSH").await;
        assert_eq!(redis.invoke::<i64>(&stamp.keys(["exo:t"])).await, Ok(1));
    }
    // What one caller may not do costs the others nothing.
    let before = redis.health();
    for _ in 0..50 {
        let foreign = redis.query::<()>(&get("other")).await.unwrap_err();
        assert_eq!(foreign.server_code(), Some("NOPERM"));
    }
    assert_eq!(redis.health(), before);
}

/// Returns how often the server has read from a socket.
async fn reads(admin: &Admin) -> u64 {
    let stats: String = admin.ask("INFO stats").await;
    let reads = stats
        .lines()
        .find_map(|line| line.strip_prefix("total_reads_processed:"));
    reads.unwrap().parse().unwrap()
}

#[tokio::test]
async fn calls_made_at_the_same_time_travel_together() {
    const CALLS: usize = 200;
    let server = Server::start();
    let admin = server.admin().await;
    let redis = connect(&server).await;
    until(&redis, |health| health.connections() == 2).await;
    let before = reads(&admin).await;
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let redis = redis.clone();
        calls.spawn(async move { redis.query::<()>(&get("a")).await });
    }
    assert_eq!(calls.join_all().await, vec![Ok(()); CALLS]);
    // One on each connection, and the one that asks how many there were.
    assert_eq!(reads(&admin).await - before, 3);
}
