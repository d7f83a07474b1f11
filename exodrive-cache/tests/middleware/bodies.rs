//! Bodies that come in pieces, break off, or never end.

use bytes::Bytes;
use exodrive_cache::{Outcome, ResponseBody};
use http::{HeaderMap, Response};
use http_body::Frame;
use http_body_util::channel::{Channel, Sender};
use http_body_util::{BodyExt, Empty};
use tokio::sync::mpsc;

use super::support::{Body, Failure, Fixture, get, outcome, policy, seen, settled, text};

/// A handler whose body is written by the test.
fn written(declared: Option<u64>) -> (Fixture, mpsc::UnboundedReceiver<Sender<Bytes, Failure>>) {
    let (give, take) = mpsc::unbounded_channel();
    let fixture = Fixture::new(policy(), move |_, _| {
        let give = give.clone();
        async move {
            let (sender, body) = Channel::new(16);
            give.send(sender).unwrap();
            let mut response = Response::new(body.boxed());
            if let Some(length) = declared {
                response
                    .headers_mut()
                    .insert("content-length", length.into());
            }
            Ok(response)
        }
    });
    (fixture, take)
}

async fn piece(body: &mut ResponseBody<Body>) -> Bytes {
    body.frame().await.unwrap().unwrap().into_data().unwrap()
}

#[tokio::test]
async fn everybody_reads_along_at_their_own_pace() {
    let (fixture, mut senders) = written(Some(6));
    let mut leader = fixture.send(get("/cars/1")).await.into_body();
    let mut sender = senders.recv().await.unwrap();
    sender.send_data(Bytes::from("one")).await.unwrap();
    assert_eq!(piece(&mut leader).await, "one");

    let follower = fixture.send(get("/cars/1")).await;
    assert_eq!(outcome(&follower), Outcome::Coalesced);
    let mut follower = follower.into_body();
    assert_eq!(piece(&mut follower).await, "one");
    sender.send_data(Bytes::from("two")).await.unwrap();
    drop(sender);
    // The leader has not read on, and the follower does not have to wait for it.
    assert_eq!(piece(&mut follower).await, "two");
    assert!(follower.frame().await.is_none());
    settled().await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "onetwo"));
    assert_eq!(piece(&mut leader).await, "two");
    assert!(leader.frame().await.is_none());
}

#[tokio::test]
async fn a_body_of_unknown_length_is_stored_when_it_fits() {
    let (fixture, mut senders) = written(None);
    let leader = fixture.send(get("/cars/1")).await;
    let mut sender = senders.recv().await.unwrap();
    sender.send_data(Bytes::from("one")).await.unwrap();
    sender.send_data(Bytes::from("two")).await.unwrap();
    drop(sender);
    assert_eq!(text(leader).await, "onetwo");
    settled().await;
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "onetwo"));
}

#[tokio::test]
async fn a_body_that_outgrows_its_bound_passes_through() {
    let (fixture, mut senders) = written(None);
    let mut leader = fixture.send(get("/cars/1")).await.into_body();
    let mut sender = senders.recv().await.unwrap();
    let mut read = 0;
    for _ in 0..50 {
        sender
            .send_data(Bytes::from(vec![b'x'; 100]))
            .await
            .unwrap();
        read += piece(&mut leader).await.len();
    }
    drop(sender);
    assert!(leader.frame().await.is_none());
    assert_eq!(read, 5000);
    settled().await;
    let again = tokio::spawn({
        let fixture = fixture.clone();
        async move { outcome(&fixture.send(get("/cars/1")).await) }
    });
    senders.recv().await.unwrap();
    assert_eq!(again.await.unwrap(), Outcome::Miss { unstorable: None });
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_stored_and_says_so() {
    let (fixture, mut senders) = written(Some(6));
    let mut leader = fixture.send(get("/cars/1")).await.into_body();
    let mut sender = senders.recv().await.unwrap();
    sender.send_data(Bytes::from("one")).await.unwrap();
    sender.abort(Failure("the database went away"));
    assert_eq!(piece(&mut leader).await, "one");
    let error = leader.frame().await.unwrap().unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the database went away");
    settled().await;
    let again = fixture.send(get("/cars/1")).await;
    assert_eq!(outcome(&again), Outcome::Miss { unstorable: None });
}

#[tokio::test]
async fn a_body_shorter_than_declared_is_not_stored() {
    let (fixture, mut senders) = written(Some(6));
    let leader = fixture.send(get("/cars/1")).await;
    let mut sender = senders.recv().await.unwrap();
    sender.send_data(Bytes::from("one")).await.unwrap();
    drop(sender);
    assert_eq!(text(leader).await, "one");
    settled().await;
    let again = fixture.send(get("/cars/1")).await;
    assert_eq!(outcome(&again), Outcome::Miss { unstorable: None });
}

#[tokio::test]
async fn trailers_reach_the_client_and_keep_the_answer_out_of_the_store() {
    let (fixture, mut senders) = written(Some(3));
    let leader = fixture.send(get("/cars/1")).await;
    let mut sender = senders.recv().await.unwrap();
    sender.send_data(Bytes::from("one")).await.unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "1".parse().unwrap());
    sender
        .send(Frame::trailers(trailers.clone()))
        .await
        .unwrap();
    drop(sender);
    let collected = leader.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers(), Some(&trailers));
    settled().await;
    let again = fixture.send(get("/cars/1")).await;
    assert_eq!(outcome(&again), Outcome::Miss { unstorable: None });
}

#[tokio::test]
async fn an_empty_body_is_an_answer_like_any_other() {
    let fixture = Fixture::new(policy(), async |_, _| {
        Ok(Response::new(
            Empty::new().map_err(|never| match never {}).boxed(),
        ))
    });
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", ""));
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", ""));
}
