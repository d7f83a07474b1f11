//! What a recorder of metrics is told.

#![cfg(feature = "metrics")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;

use exodrive_ratelimit::testing::Unreliable;
use exodrive_ratelimit::{
    HOUR, Limit, MINUTE, MemoryStore, OnStoreError, RateLimiter, Store, Subject,
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// The counters that have counted anything, with their labels.
fn counters(snapshotter: &Snapshotter) -> BTreeMap<String, u64> {
    let metrics = snapshotter.snapshot().into_vec();
    let counters = metrics.into_iter().filter_map(|(key, _, _, value)| {
        let DebugValue::Counter(count @ 1..) = value else {
            return None;
        };
        let key = key.key();
        let mut labels: Vec<_> = key.labels().map(|label| label.value().to_owned()).collect();
        labels.insert(
            0,
            key.name()
                .trim_start_matches("exodrive_ratelimit_")
                .to_owned(),
        );
        Some((labels.join(" "), count))
    });
    counters.collect()
}

fn limiter<St: Store>(store: St, policy: OnStoreError) -> RateLimiter<St> {
    RateLimiter::builder(store)
        .limit(
            Limit::sliding_window("public", 2, MINUTE)
                .by_subject()
                .on_store_error(policy),
        )
        .limit(
            Limit::sliding_window("candidate", 1, MINUTE)
                .by_subject()
                .shadow(),
        )
        .build()
        .unwrap()
}

async fn ask<St: Store>(limiter: &RateLimiter<St>, user: &str, times: usize) {
    for _ in 0..times {
        let _ = limiter.check(Subject::user(user), 1).await;
    }
}

#[test]
fn counts_decisions_by_limit_and_never_by_subject() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let store = Unreliable::new(MemoryStore::default());
            let shared = limiter(store.clone(), OnStoreError::Local);
            ask(&shared, "ada", 4).await;
            shared
                .control()
                .ban(Subject::user("ada"), HOUR, "")
                .await
                .unwrap();
            ask(&shared, "ada", 2).await;
            store.fail(true);
            ask(&shared, "bob", 1).await;
            ask(&limiter(store, OnStoreError::Deny), "bob", 1).await;
            ask(
                &limiter(MemoryStore::with_max_keys(0), OnStoreError::Local),
                "eve",
                1,
            )
            .await;
        });
    });
    let expected = [
        ("bans_total", 1),
        ("decisions_total candidate admitted fallback", 1),
        ("decisions_total candidate admitted memory", 2),
        ("decisions_total candidate shadow_refused memory", 2),
        ("decisions_total public admitted fallback", 1),
        ("decisions_total public admitted memory", 3),
        ("decisions_total public refused deny cache", 1),
        ("decisions_total public refused memory", 1),
        ("listed_total banned", 2),
        ("overflow_total", 2),
        ("store_failures_total", 2),
        ("undecided_total unavailable", 1),
    ];
    let expected: BTreeMap<_, _> = expected
        .map(|(name, count)| (name.to_owned(), count))
        .into();
    assert_eq!(counters(&snapshotter), expected);
}
