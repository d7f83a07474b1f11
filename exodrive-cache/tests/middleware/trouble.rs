//! What happens while the store is slow or fails.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use exodrive_cache::testing::{Fault, Operation, Unreliable};
use exodrive_cache::{Cache, MemoryStore, Outcome, Unstorable};
use tokio::task::JoinSet;

use super::support::{CarUpdated, Fixture, Gate, get, ok, outcome, policy, seen, settled, text};

type Store = Unreliable<MemoryStore>;

/// A handler that answers with the number of its call, the first time once the test lets it.
fn gated() -> (Fixture<Store>, Store, Gate) {
    let store = Unreliable::new(MemoryStore::default());
    let gate = Gate::closed();
    let held = gate.clone();
    let fixture = Fixture::on(Cache::builder(store.clone()), policy(), move |_, call| {
        let held = held.clone();
        async move {
            if call == 1 {
                held.pass().await;
            }
            Ok(ok(call.to_string()))
        }
    });
    (fixture, store, gate)
}

#[tokio::test]
async fn requests_share_a_call_when_the_store_fails() {
    let (fixture, store, gate) = gated();
    store.fault(Operation::Lookup, Fault::Fail);
    store.fault(Operation::Open, Fault::Fail);
    let mut clients = JoinSet::new();
    for _ in 0..100 {
        let fixture = fixture.clone();
        clients.spawn(async move {
            let response = fixture.send(get("/cars/1")).await;
            (outcome(&response), text(response).await)
        });
    }
    gate.arrival().await;
    settled().await;
    gate.let_one_pass();
    let answers = clients.join_all().await;
    assert_eq!(fixture.calls(), 1);
    assert!(answers.iter().all(|(_, body)| body == "1"));
    let unstorable = Some(Unstorable::Store);
    let alone = |(outcome, _): &&(Outcome, _)| *outcome == Outcome::Miss { unstorable };
    assert_eq!(answers.iter().filter(alone).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_call_is_shared_across_an_event_when_the_store_fails() {
    let (fixture, store, gate) = gated();
    store.fault(Operation::Open, Fault::Fail);
    let first = fixture.asking_for("/cars/1");
    gate.arrival().await;
    fixture.cache.publish(&CarUpdated(1)).await.unwrap();
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
    gate.let_one_pass();
    assert_eq!(first.await.unwrap(), seen("MISS", "1"));
}

/// One request finds that an entry has come to be after all; the one that waits for it does, too.
#[tokio::test]
async fn who_waits_for_a_request_that_found_an_entry_finds_it_as_well() {
    let (fixture, store, _gate) = gated();
    store.fault(Operation::Lookup, Fault::Hang);
    let mut leader = pin!(fixture.ask_for("/cars/1"));
    begin(leader.as_mut()).await;
    store.repair();
    let mut follower = pin!(fixture.ask_for("/cars/1"));
    begin(follower.as_mut()).await;

    // Meanwhile another instance fills the key.
    let other = Fixture::on(Cache::builder(store), policy(), async |_, _| {
        Ok(ok("other"))
    });
    assert_eq!(other.ask_for("/cars/1").await, seen("MISS", "other"));
    assert_eq!(leader.await, seen("HIT", "other"));
    assert_eq!(follower.await, seen("HIT", "other"));
    assert_eq!(fixture.calls(), 0);
}

/// Lets a request go as far as it can.
async fn begin<F: Future>(mut request: Pin<&mut F>) {
    let is_pending = poll_fn(|context| Poll::Ready(request.as_mut().poll(context).is_pending()));
    assert!(is_pending.await);
}
