//! What a few clients see of one row while things go wrong, written down and explained step by step.

mod claim;
mod search;

use std::time::Duration;

use exodrive_cache::{MemoryStore, Store, TieredStore, tag};
use exodrive_faults::{Fault, Proxy};
use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::claim::{Event, INSTANCES, holds};
use crate::chaos::{LAG, any_fault, any_order, lasts, pause, seeded, store};
use crate::instance::{Database, Instance};
use crate::support::start;

const OPERATIONS: usize = 5;
/// With memories that do not know of each other.
const HISTORIES: usize = 40;

/// Reads and writes one row a few times, and writes down what happened.
async fn client<St: Store>(
    instance: Instance<St>,
    by: usize,
    row: String,
    mut random: Rng,
    longest_pause: u64,
    origin: Instant,
) -> Vec<Event> {
    let now = || u64::try_from(origin.elapsed().as_micros()).unwrap();
    let mut events = Vec::new();
    for _ in 0..OPERATIONS {
        pause(&mut random, 0..longest_pause).await;
        let begun = now();
        events.push(if random.u8(..5) < 3 {
            let version = instance.get(&row).await.version;
            let asked = [begun, now()];
            Event::Read { by, version, asked }
        } else {
            let version = instance.database.write(&row);
            let changed = now();
            let invalidated = instance.invalidate(tag!("row:{row}")).await;
            Event::Write {
                by,
                version,
                done: [begun, changed, now()],
                invalidated,
            }
        });
    }
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::print_stderr,
    reason = "who runs it wants to know what happened"
)]
async fn every_small_history_in_a_storm_is_explained() {
    let mut random = seeded();
    let mut server = start();
    let database = Database::default();
    let mut tiered = Vec::new();
    let mut proxies = Vec::new();
    for take in [0, 1, 10] {
        let proxy = Proxy::start(server.address()).await;
        let store = store(&server, &proxy.address()).await;
        let store = TieredStore::new(MemoryStore::default(), store);
        tiered.push(Instance::new(store, &database, Duration::from_millis(take)));
        proxies.push(proxy);
    }
    let plain = store(&server, &server.address()).await;
    let plain = Instance::new(plain, &database, Duration::from_millis(1));
    let behind = u64::try_from(LAG.as_micros()).unwrap();
    let mut lags = [behind; INSTANCES];
    lags[tiered.len()] = 0;

    let origin = Instant::now();
    let mut deferred = 0;
    let mut number = 0;
    while origin.elapsed() < lasts() {
        let row = format!("{number}");
        // Now and then it takes longer than a memory may be behind.
        let longest_pause = if number % 8 == 0 { 1_000 } else { 40 };
        let mut clients = JoinSet::new();
        for (by, instance) in tiered.iter().enumerate() {
            let random = random.fork();
            let instance = instance.clone();
            clients.spawn(client(
                instance,
                by,
                row.clone(),
                random,
                longest_pause,
                origin,
            ));
        }
        let by = tiered.len();
        clients.spawn(client(
            plain.clone(),
            by,
            row,
            random.fork(),
            longest_pause,
            origin,
        ));
        let proxy = random.choice(&proxies).unwrap();
        proxy.fault(any_fault(&mut random));
        pause(&mut random, 0..60).await;
        any_order(&mut server, &mut random).await;
        pause(&mut random, 0..200).await;
        proxy.fault(Fault::None);
        let history: Vec<Event> = clients.join_all().await.into_iter().flatten().collect();
        assert!(holds(&history, lags), "not explained: {history:#?}");
        deferred += history.iter().filter(|event| event.is_deferred()).count();
        number += 1;
    }
    eprintln!("{number} histories, {deferred} invalidations deferred");
    assert!(number > 3 && deferred > 0);
}

/// The same with memories that do not know of each other, so that the search is seen to find something.
#[tokio::test]
async fn memories_that_do_not_know_of_each_other_are_found_out() {
    let database = Database::default();
    let origin = Instant::now();
    let mut explained = 0;
    for number in 0..HISTORIES {
        let mut clients = JoinSet::new();
        for by in 0..INSTANCES {
            let instance = Instance::new(MemoryStore::default(), &database, Duration::ZERO);
            let random = Rng::with_seed((number * INSTANCES + by) as u64);
            clients.spawn(client(instance, by, number.to_string(), random, 10, origin));
        }
        let history: Vec<Event> = clients.join_all().await.into_iter().flatten().collect();
        explained += usize::from(holds(&history, [0; INSTANCES]));
    }
    assert!(explained < HISTORIES / 2, "{explained} of {HISTORIES}");
}
