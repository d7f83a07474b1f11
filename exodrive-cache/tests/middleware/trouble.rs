//! What happens while the store is slow or fails.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use exodrive_cache::testing::{
    Fault, Operation, Unreliable, fills_under_way, settled as fills_ended,
};
use exodrive_cache::{Cache, Invalidation, MemoryStore, Outcome, Tag, Unstorable, tag};
use tokio::task::JoinSet;

use super::support::{
    CarUpdated, Fixture, Gate, get, numbered, ok, outcome, policy, seen, settled, text,
};

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

/// A handler that answers with the number of its call, on a store that can be made to fail.
fn on_an_unreliable_store() -> (Fixture<Store>, Store) {
    let store = Unreliable::new(MemoryStore::default());
    let cache = Cache::builder(store.clone());
    let fixture = Fixture::on(cache, policy(), async |_, call| numbered(call));
    (fixture, store)
}

fn car() -> [Tag; 1] {
    [tag!("car:1")]
}

#[tokio::test]
async fn a_store_that_fails_is_a_miss_and_never_an_error() {
    for operation in [Operation::Lookup, Operation::Open, Operation::Commit] {
        let (fixture, store) = on_an_unreliable_store();
        store.fault(operation, Fault::Fail);
        for call in ["1", "2"] {
            let answer = fixture.ask_for("/cars/1").await;
            assert_eq!(answer, seen("MISS", call), "{operation:?}");
        }
        store.repair();
        fixture.ask_for("/cars/1").await;
        let (state, _) = fixture.ask_for("/cars/1").await;
        assert_eq!(state, "HIT", "{operation:?}");
    }
}

#[tokio::test]
async fn a_commit_that_hangs_delays_no_answer() {
    let (fixture, store) = on_an_unreliable_store();
    store.fault(Operation::Commit, Fault::Hang);
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "1"));
    store.held(Operation::Commit, 1).await;
    // The answer is complete, and everybody may have it.
    assert_eq!(fixture.ask_for("/cars/2").await, seen("MISS", "2"));
    store.repair();
    fills_ended(&fixture.cache).await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "1"));
}

#[tokio::test]
async fn an_invalidation_whose_answer_is_lost_has_happened_and_is_an_error() {
    let (fixture, store) = on_an_unreliable_store();
    fixture.ask_for("/cars/1").await;
    store.fault(Operation::Invalidate, Fault::Lose);
    let outcome = fixture.cache.invalidate(&car(), Invalidation::Hard).await;
    assert!(outcome.is_err());
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
}

#[tokio::test]
async fn an_invalidation_that_failed_has_not_happened() {
    let (fixture, store) = on_an_unreliable_store();
    fixture.ask_for("/cars/1").await;
    store.fault(Operation::Invalidate, Fault::Fail);
    let outcome = fixture.cache.invalidate(&car(), Invalidation::Hard).await;
    assert!(outcome.is_err());
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "1"));
}

/// What cannot be asked about is taken for outdated.
#[tokio::test]
async fn a_follower_whose_fill_cannot_be_checked_goes_its_own_way() {
    let (fixture, store) = on_an_unreliable_store();
    store.fault(Operation::Commit, Fault::Hang);
    fixture.ask_for("/cars/1").await;
    store.held(Operation::Commit, 1).await;
    store.fault(Operation::IsCurrent, Fault::Fail);
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
}

#[tokio::test]
async fn a_call_that_is_given_up_hangs_no_more() {
    let (fixture, store) = on_an_unreliable_store();
    store.fault(Operation::Lookup, Fault::Hang);
    let asking = fixture.asking_for("/cars/1");
    store.held(Operation::Lookup, 1).await;
    assert_eq!(fills_under_way(&fixture.cache), 1);
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    fills_ended(&fixture.cache).await;
    assert_eq!(fills_under_way(&fixture.cache), 0);
    store.repair();
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "1"));
}
