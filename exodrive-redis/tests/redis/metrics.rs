//! What a recorder of metrics is told.

use std::collections::HashMap;

use exodrive_faults::PATIENCE;
use exodrive_faults::Server;
use exodrive_redis::Command;
use metrics_util::debugging::DebugValue;
use metrics_util::debugging::DebuggingRecorder;
use metrics_util::debugging::Snapshotter;

use crate::support::builder;
use crate::support::get;
use crate::support::until;

/// Takes what was recorded, by name and outcome; times as how many there were.
fn take(snapshotter: &Snapshotter, server: &str) -> HashMap<String, f64> {
    let mut values = HashMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let (_, key) = key.into_parts();
        let labels: HashMap<_, _> = key
            .labels()
            .map(|label| (label.key(), label.value()))
            .collect();
        assert_eq!(labels["server"], server);
        let name = key.name().trim_start_matches("exodrive_redis_");
        let name = match labels.get("outcome") {
            Some(outcome) => format!("{name} {outcome}"),
            None => name.to_owned(),
        };
        let value = match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(times) => times.len() as f64,
        };
        values.insert(name, value);
    }
    values
}

#[tokio::test]
async fn counts_calls_by_outcome_and_shows_what_there_is() {
    let mut server = Server::start();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let build = || builder(server.url()).build().unwrap();
    let redis = metrics::with_local_recorder(&recorder, build);
    redis.require(PATIENCE).await.unwrap();
    until(&redis, |health| health.connections() == 2).await;
    for _ in 0..3 {
        redis.query::<()>(&get("a")).await.unwrap();
    }
    let unknown = redis.query::<()>(&Command::new("NONSENSE")).await;
    unknown.unwrap_err();
    let recorded = take(&snapshotter, &server.address());
    assert_eq!(recorded["calls_total ok"], 3.0);
    assert_eq!(recorded["calls_total refused"], 1.0);
    assert_eq!(recorded["call_seconds"], 4.0);
    assert_eq!(recorded["in_flight"], 0.0);
    assert_eq!(recorded["connections"], 2.0);
    assert_eq!(recorded["breaker_open"], 0.0);

    server.kill();
    until(&redis, |health| health.connections() == 0).await;
    redis.query::<()>(&get("a")).await.unwrap_err();
    let recorded = take(&snapshotter, &server.address());
    assert_eq!(recorded["calls_total unavailable"], 1.0);
    assert_eq!(recorded["call_seconds"], 0.0);
    assert_eq!(recorded["connections"], 0.0);
}
