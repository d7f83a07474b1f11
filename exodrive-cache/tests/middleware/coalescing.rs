//! One handler call, however many ask at once.

use bytes::Bytes;
use exodrive_cache::testing::{Fault, Operation, Unreliable};
use exodrive_cache::{Cache, MemoryStore};
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use http_body_util::channel::Channel;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::support::{
    Body, Failure, Fixture, Gate, get, numbered, ok, policy, seen, settled, text,
};

fn gated(status: StatusCode) -> (Fixture, Gate) {
    Fixture::gated(policy(), .., move |call| {
        let mut response = ok(call.to_string());
        *response.status_mut() = status;
        Ok(response)
    })
}

#[tokio::test]
async fn a_client_that_leaves_takes_nothing_with_it() {
    let (fixture, gate) = gated(StatusCode::OK);
    let leader = tokio::spawn(fixture.service.clone().oneshot(get("/cars/1")));
    gate.arrival().await;
    let follower = fixture.asking_for("/cars/1");
    settled().await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    gate.let_one_pass();
    assert_eq!(follower.await.unwrap(), seen("MISS", "1"));
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "1"));
}

#[tokio::test]
async fn nobody_waits_for_an_answer_that_cannot_be_shared() {
    let (fixture, gate) = gated(StatusCode::NOT_FOUND);
    let mut clients = JoinSet::new();
    for _ in 0..3 {
        let fixture = fixture.clone();
        clients.spawn(async move { text(fixture.send(get("/cars/1")).await).await });
    }
    gate.arrival().await;
    settled().await;
    gate.let_one_pass();
    // The two that waited now go to the handler at the same time.
    gate.arrival().await;
    gate.arrival().await;
    gate.let_one_pass();
    gate.let_one_pass();
    let mut bodies = clients.join_all().await;
    bodies.sort_unstable();
    assert_eq!(bodies, ["1", "2", "3"]);
}

/// Fails at its first call, and answers later ones with their numbers.
fn failing_once(call: usize) -> Result<Response<Body>, Failure> {
    let mut response = ok(call.to_string());
    if call == 1 {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(response)
}

#[tokio::test]
async fn who_waited_for_a_call_that_failed_shares_the_next_one() {
    let (fixture, gate) = Fixture::gated(policy(), .., failing_once);
    let mut clients = JoinSet::new();
    for _ in 0..100 {
        let fixture = fixture.clone();
        clients.spawn(async move { text(fixture.send(get("/cars/1")).await).await });
    }
    for _ in 0..2 {
        gate.arrival().await;
        settled().await;
        gate.let_one_pass();
    }
    let mut bodies = clients.join_all().await;
    bodies.sort_unstable();
    assert_eq!(fixture.calls(), 2);
    assert_eq!(bodies[..2], ["1", "2"]);
    assert_eq!(bodies[99], "2");
}

#[tokio::test]
async fn requests_share_a_call_right_after_a_failure() {
    let (fixture, gate) = Fixture::gated(policy(), 2.., failing_once);
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "1"));
    let clients = [(); 3].map(|()| fixture.asking_for("/cars/1"));
    gate.arrival().await;
    settled().await;
    gate.let_one_pass();
    for client in clients {
        assert_eq!(client.await.unwrap(), seen("MISS", "2"));
    }
    assert_eq!(fixture.calls(), 2);
}

#[tokio::test]
async fn a_panic_of_the_handler_stays_with_the_request_that_caused_it() {
    let (fixture, gate) = Fixture::gated(policy(), ..=1, |call| {
        assert_ne!(call, 1, "the first call fails");
        numbered(call)
    });
    let leader = tokio::spawn(fixture.service.clone().oneshot(get("/cars/1")));
    gate.arrival().await;
    let follower = fixture.asking_for("/cars/1");
    settled().await;
    gate.let_one_pass();
    let panic = leader.await.unwrap_err().into_panic();
    let message: &String = panic.downcast_ref().unwrap();
    assert!(message.contains("the first call fails"), "{message}");
    assert_eq!(follower.await.unwrap(), seen("MISS", "2"));
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "3"));
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "3"));
}

/// A client that has its answer and asks again is not part of the fill any more.
#[tokio::test]
async fn an_answer_that_has_just_ended_is_a_hit() {
    let store = Unreliable::new(MemoryStore::default());
    store.fault(Operation::Commit, Fault::Hang);
    let fixture = Fixture::on(Cache::builder(store.clone()), policy(), async |_, call| {
        Ok(match call {
            1 => ok(call.to_string()),
            // Its length is not declared.
            _ => {
                let (mut sender, body) = Channel::new(1);
                sender.send_data(Bytes::from("two")).await.unwrap();
                Response::new(body.boxed())
            }
        })
    });
    for (path, body) in [("/cars/1", "1"), ("/cars/2", "two")] {
        assert_eq!(text(fixture.send(get(path)).await).await, body);
        let again = fixture.asking_for(path);
        store.held(Operation::Commit, 1).await;
        settled().await;
        store.repair();
        assert_eq!(again.await.unwrap(), seen("HIT", body));
        store.fault(Operation::Commit, Fault::Hang);
    }
}
