//! Many clients at once: slow ones, and ones that leave.

use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::testing::{Fault, Operation, Unreliable, fills_under_way, settled};
use exodrive_cache::{Cache, MemoryStore, Outcome};
use http::header::CONTENT_LENGTH;
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt;
use http_body_util::channel::Channel;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

use super::support::{
    Body, Failure, Fixture, Gate, get, numbered, ok, outcome, policy, seen, text,
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn ten_thousand_on_a_cold_key_cost_one_call() {
    let (fixture, gate) = Fixture::gated(policy(), .., numbered);
    let mut clients = JoinSet::new();
    for _ in 0..10_000 {
        let fixture = fixture.clone();
        clients.spawn(async move {
            let response = fixture.send(get("/cars/1")).await;
            (outcome(&response), text(response).await)
        });
    }
    gate.arrival().await;
    super::support::settled().await;
    gate.let_one_pass();
    let answers = clients.join_all().await;
    assert!(answers.iter().all(|(_, body)| body == "1"));
    let coalesced = answers
        .iter()
        .filter(|(outcome, _)| *outcome == Outcome::Coalesced);
    assert_eq!(coalesced.count(), 9_999);
    assert_eq!(fixture.calls(), 1);
    assert_eq!(fills_under_way(&fixture.cache), 0);
}

/// A body whose frames are of one byte each.
fn in_frames(text: &str) -> Body {
    let (mut sender, body) = Channel::<Bytes, Failure>::new(text.len());
    for byte in text.bytes() {
        let frame = Frame::data(Bytes::copy_from_slice(&[byte]));
        assert!(sender.try_send(frame).is_ok(), "the channel has room");
    }
    body.boxed()
}

#[tokio::test(start_paused = true)]
async fn a_first_client_that_reads_a_byte_a_second_delays_nobody() {
    for declared in [true, false] {
        let fixture = Fixture::new(policy(), move |_, _| async move {
            let mut response = Response::new(in_frames(&"x".repeat(100)));
            if declared {
                response.headers_mut().insert(CONTENT_LENGTH, 100.into());
            }
            Ok(response)
        });
        let start = Instant::now();
        let mut slow = fixture.send(get("/cars/1")).await.into_body();
        let mut others = JoinSet::new();
        for _ in 0..1000 {
            let fixture = fixture.clone();
            others.spawn(async move {
                let body = text(fixture.send(get("/cars/1")).await).await;
                (body.len(), start.elapsed())
            });
        }
        let reading = tokio::spawn(async move {
            let mut read = 0;
            while let Some(frame) = slow.frame().await {
                read += frame.unwrap().into_data().unwrap().len();
                sleep(SECOND).await;
            }
            (read, start.elapsed())
        });
        for other in others.join_all().await {
            assert_eq!(other, (100, Duration::ZERO), "declared: {declared}");
        }
        assert_eq!(reading.await.unwrap(), (100, 100 * SECOND));
        assert_eq!(fixture.calls(), 1);
    }
}

/// Everywhere that the request which leads a fill can wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wait {
    Lookup,
    Open,
    Handler,
    Body,
    Commit,
}

/// A route whose requests can be held wherever they wait.
struct Held {
    fixture: Fixture<Unreliable<MemoryStore>>,
    gate: Gate,
    body: Gate,
}

impl Held {
    fn new() -> Self {
        let (gate, body) = (Gate::closed(), Gate::closed());
        let gates = (gate.clone(), body.clone());
        let cache = Cache::builder(Unreliable::new(MemoryStore::default()));
        let fixture = Fixture::on(cache, policy(), move |_, call| {
            let (gate, body) = gates.clone();
            async move {
                gate.pass().await;
                let (mut sender, channel) = Channel::<Bytes, Failure>::new(1);
                tokio::spawn(async move {
                    body.pass().await;
                    // Nobody may be reading any more.
                    let _ = sender.send_data(call.to_string().into()).await;
                });
                Ok(Response::new(channel.boxed()))
            }
        });
        Self {
            fixture,
            gate,
            body,
        }
    }

    fn store(&self) -> &Unreliable<MemoryStore> {
        self.fixture.cache.store()
    }

    /// Lets nobody past `wait`.
    fn hold(&self, wait: Wait) {
        let operation = match wait {
            Wait::Lookup => Operation::Lookup,
            Wait::Open => Operation::Open,
            Wait::Commit => Operation::Commit,
            Wait::Handler | Wait::Body => return,
        };
        self.store().fault(operation, Fault::Hang);
    }

    async fn is_held(&self, wait: Wait) {
        match wait {
            Wait::Lookup => self.store().held(Operation::Lookup, 1).await,
            Wait::Open => self.store().held(Operation::Open, 1).await,
            Wait::Handler => self.gate.arrival().await,
            Wait::Body => {
                self.gate.let_one_pass();
                self.body.arrival().await;
            }
            Wait::Commit => {
                self.gate.let_one_pass();
                self.body.let_one_pass();
                self.store().held(Operation::Commit, 1).await;
            }
        }
    }

    fn let_everything_go(&self) {
        self.store().repair();
        for _ in 0..1000 {
            self.gate.let_one_pass();
            self.body.let_one_pass();
        }
    }
}

#[tokio::test]
async fn a_leader_that_leaves_anywhere_leaks_nothing_and_costs_no_second_call() {
    for wait in [
        Wait::Lookup,
        Wait::Open,
        Wait::Handler,
        Wait::Body,
        Wait::Commit,
    ] {
        let held = Held::new();
        let tasks = Handle::current().metrics().num_alive_tasks();
        held.hold(wait);
        let leader = held.fixture.asking_for("/cars/1");
        held.is_held(wait).await;
        let mut followers = JoinSet::new();
        for _ in 0..100 {
            let fixture = held.fixture.clone();
            followers.spawn(async move { fixture.ask_for("/cars/1").await });
        }
        super::support::settled().await;
        leader.abort();
        let _ = leader.await;
        held.let_everything_go();
        for (_, body) in followers.join_all().await {
            assert_eq!(body, "1", "{wait:?}");
        }
        settled(&held.fixture.cache).await;
        assert_eq!(held.fixture.calls(), 1, "{wait:?}");
        assert_eq!(fills_under_way(&held.fixture.cache), 0, "{wait:?}");
        super::support::settled().await;
        let metrics = Handle::current().metrics();
        assert_eq!(metrics.num_alive_tasks(), tasks, "{wait:?}");
        assert_eq!(held.fixture.ask_for("/cars/1").await, seen("HIT", "1"));
    }
}

#[tokio::test]
async fn followers_that_leave_leak_nothing() {
    let (fixture, gate) = Fixture::gated(policy(), .., numbered);
    let tasks = Handle::current().metrics().num_alive_tasks();
    let leader = fixture.asking_for("/cars/1");
    gate.arrival().await;
    let mut followers = JoinSet::new();
    for _ in 0..1000 {
        let fixture = fixture.clone();
        followers.spawn(async move { fixture.ask_for("/cars/1").await });
    }
    super::support::settled().await;
    followers.shutdown().await;
    gate.let_one_pass();
    assert_eq!(leader.await.unwrap(), seen("MISS", "1"));
    settled(&fixture.cache).await;
    super::support::settled().await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks);
}

/// A client that leaves in the middle of its answer, after any number of frames.
#[tokio::test]
async fn readers_that_leave_in_the_middle_leak_nothing() {
    for frames in 0..4 {
        let fixture = Fixture::new(policy(), async |_, _| Ok(Response::new(in_frames("abc"))));
        let tasks = Handle::current().metrics().num_alive_tasks();
        let mut body = fixture.send(get("/cars/1")).await.into_body();
        for _ in 0..frames {
            body.frame().await;
        }
        drop(body);
        settled(&fixture.cache).await;
        super::support::settled().await;
        assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks);
        assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "abc"));
    }
}

/// A service that fails once, with a status, an error or a panic, is asked again by the next request, and only by that.
#[tokio::test]
async fn a_failure_never_poisons_the_key() {
    type Failing = fn() -> Result<StatusCode, Failure>;
    let failures: [Failing; 3] = [
        || Ok(StatusCode::INTERNAL_SERVER_ERROR),
        || Err(Failure("out of order")),
        || panic!("out of order"),
    ];
    for fails in failures {
        let fixture = Fixture::new(policy(), move |_, call| async move {
            let mut response = ok(call.to_string());
            if call == 1 {
                *response.status_mut() = fails()?;
            }
            Ok(response)
        });
        let first = tokio::spawn(fixture.service.clone().oneshot(get("/cars/1")));
        let _ = first.await;
        settled(&fixture.cache).await;
        assert_eq!(fills_under_way(&fixture.cache), 0);
        assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
        assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "2"));
    }
}

/// Nobody asks again for as long as the handler hangs, and nobody has to wait for it after an event.
#[tokio::test]
async fn a_handler_that_hangs_holds_the_key_no_longer_than_until_the_next_event() {
    let (fixture, gate) = Fixture::gated(policy(), ..=1, numbered);
    let hanging = fixture.asking_for("/cars/1");
    gate.arrival().await;
    let event = super::support::CarUpdated(1);
    fixture.cache.publish(&event).await.unwrap();
    assert_eq!(fixture.ask_for("/cars/1").await, seen("MISS", "2"));
    assert_eq!(fixture.ask_for("/cars/1").await, seen("HIT", "2"));
    hanging.abort();
}
