//! Reads, writes, events, failures and clients that leave, in any order: nobody is ever answered with what was made before an
//! event that had ended when they asked.
//!
//! Each seed is a script of its own: what happens, and how far every task comes in between, is drawn. A script runs on one
//! thread and on paused time, so that one that fails fails again.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use exodrive_cache::{
    Cache, CachePolicy, CacheService, Invalidation, MemoryStore, Percent, ResponseTags, tag,
};
use fastrand::Rng;
use http::{Request, Response, StatusCode};
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, Empty};
use parking_lot::Mutex;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::advance;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, service_fn};

const THREADS: u64 = 2;
/// Scripts of each thread.
const SCRIPTS: u64 = 50_000;
const STEPS: usize = 16;
/// An answer about a car is made of the car and of the fleet.
const CARS: usize = 2;
const FLEET: usize = CARS;
const SECOND: Duration = Duration::from_secs(1);

type Body = Channel<Bytes, Broken>;
type Handler = BoxCloneSyncService<Request<Empty<Bytes>>, Response<Body>, Broken>;
/// A version of each car, and of the fleet.
type Versions = [u64; CARS + 1];

#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

/// What handlers read, and where they wait.
#[derive(Default)]
struct Source {
    versions: Versions,
    waiting: Vec<oneshot::Sender<Verdict>>,
}

/// What becomes of a handler that waits.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    GoOn,
    Fail,
    Refuse,
}

/// A request reads the source that it carries, so that the handlers of earlier scripts do not.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<Source>>);

impl Script {
    async fn verdict(&self) -> Verdict {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().waiting.push(sender);
        receiver.await.unwrap_or(Verdict::Fail)
    }
}

/// Waits before it reads, before it answers, and before its body ends.
async fn handle(request: Request<Empty<Bytes>>) -> Result<Response<Body>, Broken> {
    let script = request.extensions().get::<Script>().unwrap().clone();
    let (seed, car) = request.uri().path()["/cars/".len()..]
        .split_once('-')
        .unwrap();
    let (fleet, car) = (tag!("fleet:{seed}"), car.parse::<usize>().unwrap());
    script.verdict().await;
    let read = script.0.lock().versions;
    let mut status = StatusCode::OK;
    match script.verdict().await {
        Verdict::GoOn => {}
        Verdict::Fail => return Err(Broken),
        Verdict::Refuse => status = StatusCode::SERVICE_UNAVAILABLE,
    }
    let text = format!("{} {}", read[car], read[FLEET]);
    let length = text.len();
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        match script.verdict().await {
            // Nobody may be reading any more.
            Verdict::GoOn => drop(sender.send_data(text.into()).await),
            Verdict::Fail | Verdict::Refuse => sender.abort(Broken),
        }
    });
    let mut response = Response::new(body);
    *response.status_mut() = status;
    // The length of one car's answer is known, that of the other is not.
    if car == 0 {
        response
            .headers_mut()
            .insert("content-length", length.into());
    }
    let tags = ResponseTags::new([fleet]);
    response.extensions_mut().insert(tags);
    Ok(response)
}

/// What a client may be answered: nothing older than these.
#[derive(Clone, Copy, Default)]
struct Floors {
    /// Removed before these.
    hard: Versions,
    /// Outdated before these: to be served only as stale.
    soft: Versions,
}

struct World {
    cache: Cache<MemoryStore>,
    service: CacheService<Handler, MemoryStore>,
}

impl World {
    fn new() -> Self {
        let policy = CachePolicy::ttl(10 * SECOND)
            .jitter(Percent::new(0))
            .route("/cars/{id}")
            .tag("car:{id}")
            .stale_while_revalidate(5 * SECOND)
            .stale_if_error(10 * SECOND);
        // It has to forget now and then.
        let cache = Cache::builder(MemoryStore::with_capacity(256 << 10))
            .policy("car", policy)
            .build()
            .unwrap();
        let handler = BoxCloneSyncService::new(service_fn(handle));
        Self {
            service: cache.layer("car").unwrap().layer(handler),
            cache,
        }
    }

    /// Plays the script of a seed and returns how many answers came from the store.
    async fn play(&self, seed: u64) -> Result<usize, String> {
        let mut random = Rng::with_seed(seed);
        let script = Script::default();
        let mut floors = Floors::default();
        let mut clients = Vec::new();
        // Written, and not yet told of.
        let mut pending: Vec<usize> = Vec::new();
        for _ in 0..STEPS {
            match random.u8(..16) {
                0..=4 => {
                    let car = random.usize(..CARS);
                    clients.push(self.ask(seed, car, &script, floors));
                }
                5..=9 => let_one_go(&script, &mut random),
                10 | 11 => {
                    let written = random.usize(..=FLEET);
                    script.0.lock().versions[written] += 1;
                    pending.push(written);
                }
                12 | 13 if !pending.is_empty() => {
                    let written = pending.swap_remove(random.usize(..pending.len()));
                    let tag = match written {
                        FLEET => tag!("fleet:{seed}"),
                        car => tag!("car:{seed}-{car}"),
                    };
                    let version = script.0.lock().versions[written];
                    let how = match random.u8(..3) {
                        0 => Invalidation::Soft,
                        _ => Invalidation::Hard,
                    };
                    self.cache.invalidate(&[tag], how).await.unwrap();
                    let floor = match how {
                        Invalidation::Hard => &mut floors.hard,
                        Invalidation::Soft => &mut floors.soft,
                    };
                    floor[written] = floor[written].max(version);
                }
                14 => advance(random.u32(1..8) * SECOND).await,
                15 if !clients.is_empty() => {
                    let leaving: JoinHandle<_> = clients.swap_remove(random.usize(..clients.len()));
                    leaving.abort();
                }
                _ => {}
            }
            for _ in 0..random.u8(..4) {
                tokio::task::yield_now().await;
            }
        }
        // One more of each, so that what the script left behind is seen.
        for car in 0..CARS {
            clients.push(self.ask(seed, car, &script, floors));
        }
        let mut hits = 0;
        for mut client in clients {
            while !client.is_finished() {
                let_one_go(&script, &mut random);
                tokio::task::yield_now().await;
            }
            hits += usize::from((&mut client).await.unwrap()?);
        }
        Ok(hits)
    }

    /// Asks for a car and returns whether the answer came from the store, or what is wrong with it.
    fn ask(
        &self,
        seed: u64,
        car: usize,
        script: &Script,
        floors: Floors,
    ) -> JoinHandle<Result<bool, String>> {
        let mut request = Request::get(format!("/cars/{seed}-{car}"))
            .body(Empty::new())
            .unwrap();
        request.extensions_mut().insert(script.clone());
        // What is in memory is answered right here, the rest on the task.
        let answer = ready(self.service.clone()).call(request);
        tokio::spawn(async move {
            let Ok(answer) = answer.await else {
                return Ok(false);
            };
            let (parts, body) = answer.into_parts();
            let Ok(body) = body.collect().await else {
                return Ok(false);
            };
            let body = String::from_utf8(body.to_bytes().into()).unwrap();
            let state = parts.headers["x-cache"].to_str().unwrap();
            let Some((one, all)) = body.split_once(' ') else {
                return Ok(false);
            };
            let read: [u64; 2] = [one.parse().unwrap(), all.parse().unwrap()];
            let hard = [floors.hard[car], floors.hard[FLEET]];
            let soft = [floors.soft[car], floors.soft[FLEET]];
            let is_below = |floor: [u64; 2]| read[0] < floor[0] || read[1] < floor[1];
            if is_below(hard) || (state != "STALE" && is_below(soft)) {
                let cache_status = &parts.headers["cache-status"];
                return Err(format!(
                    "seed {seed}, car {car}: read {read:?} after {hard:?} (soft {soft:?}): {cache_status:?}"
                ));
            }
            Ok(state == "HIT")
        })
    }
}

/// Every service here is ready at any time.
fn ready(mut service: CacheService<Handler, MemoryStore>) -> CacheService<Handler, MemoryStore> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let ready = service.poll_ready(&mut context);
    assert!(ready.is_ready());
    service
}

/// Lets one of the handlers that wait come a step further, mostly well.
fn let_one_go(script: &Script, random: &mut Rng) {
    let mut source = script.0.lock();
    let waiting = source.waiting.len();
    if waiting == 0 {
        return;
    }
    let verdict = match random.u8(..12) {
        0 => Verdict::Fail,
        1 => Verdict::Refuse,
        _ => Verdict::GoOn,
    };
    let handler = source.waiting.swap_remove(random.usize(..waiting));
    // It may have been given up.
    let _ = handler.send(verdict);
}

/// Plays the scripts of these seeds and returns how many answers came from the store.
fn play_all(seeds: std::ops::Range<u64>) -> usize {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = World::new();
        let mut hits = 0;
        for seed in seeds {
            hits += world.play(seed).await.unwrap();
        }
        hits
    })
}

#[test]
fn no_order_of_events_serves_what_was_made_before_them() {
    let threads: Vec<_> = (0..THREADS)
        .map(|n| thread::spawn(move || play_all(n * SCRIPTS..(n + 1) * SCRIPTS)))
        .collect();
    let hits: usize = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .sum();
    // Scripts in which nothing is ever found would prove nothing.
    assert!(hits as u64 > THREADS * SCRIPTS / 10, "{hits} hits");
}
