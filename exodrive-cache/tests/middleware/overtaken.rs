//! An answer that was made before an invalidation is given to nobody who comes after it, whenever the invalidation came.

use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::testing::{Fault, Operation, Unreliable};
use exodrive_cache::{Cache, CachePolicy, Invalidation, MemoryStore, ResponseTags, Tag, tag};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, ETAG};
use http::{Method, Response, StatusCode};
use http_body_util::BodyExt;
use http_body_util::channel::Channel;

use super::support::{CarUpdated, Failure, Fixture, Gate, full, get, ok, policy, seen, settled};

const SECOND: Duration = Duration::from_secs(1);
const MOMENTS: [Moment; 3] = [Moment::Asked, Moment::Answering, Moment::Committing];
const BOTH: [Invalidation; 2] = [Invalidation::Hard, Invalidation::Soft];

/// How far the first fill has come.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// The handler has the request.
    Asked,
    /// The head of the answer is there, and its body is not.
    Answering,
    /// The entry is on its way into the store.
    Committing,
}

/// A route whose first fill can be held at any moment. Answers declare the tag `fleet`.
struct Scene {
    fixture: Fixture<Unreliable<MemoryStore>>,
    head: Gate,
    body: Gate,
}

impl Scene {
    fn new(policy: CachePolicy) -> Self {
        let (head, body) = (Gate::closed(), Gate::closed());
        let gates = (head.clone(), body.clone());
        let cache = Cache::builder(Unreliable::new(MemoryStore::default()));
        let fixture = Fixture::on(cache, policy, move |_, call| {
            let (head, body) = gates.clone();
            async move {
                if call == 1 {
                    head.pass().await;
                }
                let (mut sender, channel) = Channel::<Bytes, Failure>::new(1);
                tokio::spawn(async move {
                    if call == 1 {
                        body.pass().await;
                    }
                    sender.send_data(call.to_string().into()).await.unwrap();
                });
                let mut response = Response::new(channel.boxed());
                let headers = response.headers_mut();
                headers.insert(CONTENT_LENGTH, 1.into());
                headers.insert(CACHE_CONTROL, "max-age=60".parse().unwrap());
                let tags = ResponseTags::new([tag!("fleet")]);
                response.extensions_mut().insert(tags);
                Ok(response)
            }
        });
        Self {
            fixture,
            head,
            body,
        }
    }

    fn store(&self) -> &Unreliable<MemoryStore> {
        self.fixture.cache.store()
    }

    /// Lets the first fill come to `moment`.
    async fn hold_at(&self, moment: Moment) {
        self.head.arrival().await;
        if let Moment::Asked = moment {
            return;
        }
        self.head.let_one_pass();
        self.body.arrival().await;
        if let Moment::Answering = moment {
            return;
        }
        self.store().fault(Operation::Commit, Fault::Hang);
        self.body.let_one_pass();
        self.store().held(Operation::Commit, 1).await;
    }

    fn let_go(&self) {
        self.head.let_one_pass();
        self.body.let_one_pass();
        self.store().repair();
    }

    /// Asks before, in the middle of and after what `change` does while the first fill is held.
    async fn play(self, moment: Moment, change: impl AsyncFnOnce(&Self), context: &str) {
        let first = self.fixture.asking_for("/cars/1");
        self.hold_at(moment).await;
        let early = self.fixture.asking_for("/cars/1");
        settled().await;
        change(&self).await;
        // It may have to wait until it is known which tags the first answer declares.
        let late = self.fixture.asking_for("/cars/1");
        settled().await;
        self.let_go();
        assert_eq!(
            late.await.unwrap(),
            seen("MISS", "2"),
            "{context}: an answer from before, to a request from after"
        );
        // Whoever came before may have either.
        assert_eq!(first.await.unwrap(), seen("MISS", "1"), "{context}");
        early.await.unwrap();
        exodrive_cache::testing::settled(&self.fixture.cache).await;
        let (state, body) = self.fixture.ask_for("/cars/1").await;
        assert_ne!(body, "1", "{context}: {state}, but overtaken");
    }
}

/// What is named: the key's own tag, the tag of all answers of the route, and one that only the answer declares.
fn named() -> [Tag; 3] {
    [tag!("car:1"), tag!("car"), tag!("fleet")]
}

#[tokio::test]
async fn no_tag_and_no_moment_lets_an_overtaken_answer_through() {
    for moment in MOMENTS {
        for tag in named() {
            for how in BOTH {
                let context = format!("{how:?} invalidation of {tag} while {moment:?}");
                let invalidate = async |scene: &Scene| {
                    let tags = [tag.clone()];
                    let invalidated = scene.fixture.cache.invalidate(&tags, how).await;
                    invalidated.unwrap();
                };
                Scene::new(policy())
                    .play(moment, invalidate, &context)
                    .await;
            }
        }
    }
}

#[tokio::test]
async fn an_event_overtakes_at_any_moment() {
    for moment in MOMENTS {
        let publish = async |scene: &Scene| {
            scene.fixture.cache.publish(&CarUpdated(1)).await.unwrap();
        };
        let context = format!("an event while {moment:?}");
        Scene::new(policy()).play(moment, publish, &context).await;
    }
}

#[tokio::test]
async fn an_unsafe_method_overtakes_at_any_moment() {
    for moment in MOMENTS {
        let scene = Scene::new(CachePolicy::rfc9111());
        let first = scene.fixture.asking_for("/cars/1");
        scene.hold_at(moment).await;
        let mut request = get("/cars/1");
        *request.method_mut() = Method::PUT;
        assert_eq!(scene.fixture.ask(request).await, seen("BYPASS", "2"));
        assert_eq!(
            scene.fixture.ask_for("/cars/1").await,
            seen("MISS", "3"),
            "{moment:?}"
        );
        scene.let_go();
        assert_eq!(first.await.unwrap(), seen("MISS", "1"), "{moment:?}");
        settled().await;
        assert_eq!(
            scene.fixture.ask_for("/cars/1").await,
            seen("HIT", "3"),
            "{moment:?}"
        );
    }
}

/// A soft invalidation makes the answer stale: it is said to be so, and replaced.
#[tokio::test]
async fn a_softly_overtaken_answer_is_only_ever_served_as_stale() {
    for moment in MOMENTS {
        let scene = Scene::new(policy().stale_while_revalidate(60 * SECOND));
        let first = scene.fixture.asking_for("/cars/1");
        scene.hold_at(moment).await;
        let tags = [tag!("car:1")];
        let cache = &scene.fixture.cache;
        cache.invalidate(&tags, Invalidation::Soft).await.unwrap();
        scene.let_go();
        assert_eq!(first.await.unwrap(), seen("MISS", "1"), "{moment:?}");
        exodrive_cache::testing::settled(&scene.fixture.cache).await;
        let (state, body) = scene.fixture.ask_for("/cars/1").await;
        assert!(body != "1" || state == "STALE", "{moment:?}: {state}");
        exodrive_cache::testing::settled(&scene.fixture.cache).await;
        assert_eq!(
            scene.fixture.ask_for("/cars/1").await,
            seen("HIT", "2"),
            "{moment:?}"
        );
    }
}

/// The handler fails after the entry that could stand in for its answer was invalidated.
#[tokio::test(start_paused = true)]
async fn what_is_invalidated_while_the_handler_is_asked_does_not_stand_in_for_its_answer() {
    for fails in [
        || Ok(StatusCode::SERVICE_UNAVAILABLE),
        || Err(Failure("out of order")),
    ] {
        let policy = policy().stale_if_error(60 * SECOND);
        let (fixture, gate) = Fixture::gated(policy, 2.., move |call| {
            let mut response = ok(call.to_string());
            if call > 1 {
                *response.status_mut() = fails()?;
            }
            Ok(response)
        });
        fixture.ask_for("/cars/1").await;
        tokio::time::advance(60 * SECOND).await;
        let asking = tokio::spawn({
            let fixture = fixture.clone();
            async move { tower::ServiceExt::oneshot(fixture.service, get("/cars/1")).await }
        });
        gate.arrival().await;
        fixture.cache.publish(&CarUpdated(1)).await.unwrap();
        gate.let_one_pass();
        if let Ok(answer) = asking.await.unwrap() {
            assert_eq!(answer.headers()["x-cache"], "MISS");
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        }
    }
}

/// The 304 that renews an entry does not name the tags again that the handler had declared.
#[tokio::test(start_paused = true)]
async fn an_answer_that_was_confirmed_keeps_the_tags_that_it_declared() {
    let fixture = Fixture::new(CachePolicy::rfc9111(), async |_, call| {
        let mut response = Response::new(full(call.to_string()));
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, "max-age=10".parse().unwrap());
        headers.insert(ETAG, "\"v1\"".parse().unwrap());
        match call {
            1 => {
                let tags = ResponseTags::new([tag!("car:9")]);
                response.extensions_mut().insert(tags);
            }
            2 => *response.status_mut() = StatusCode::NOT_MODIFIED,
            _ => {}
        }
        Ok(response)
    });
    assert_eq!(fixture.ask_for("/a").await, seen("MISS", "1"));
    tokio::time::advance(10 * SECOND).await;
    assert_eq!(fixture.ask_for("/a").await, seen("HIT", "1"));
    assert_eq!(fixture.ask_for("/a").await, seen("HIT", "1"));
    assert_eq!(fixture.calls(), 2);
    fixture.cache.publish(&CarUpdated(9)).await.unwrap();
    assert_eq!(fixture.ask_for("/a").await, seen("MISS", "3"));
}
