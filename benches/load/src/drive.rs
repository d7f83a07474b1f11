//! Sends every request when it is due, whether or not those before it were answered.

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use exodrive_example_server::domain::Today;
use http::StatusCode;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::answer::Answer;
use crate::client::Client;
use crate::fleet;
use crate::gauge::Gauge;
use crate::ledger::Asked;
use crate::options::Options;
use crate::scenario::{Request, Scenario};
use crate::schedule::{Arrival, arrivals};
use crate::server::{Features, Server};
use crate::stores::Stores;
use crate::tally::{Tally, Times};

/// More than a server that keeps up ever needs; with all of them in use, requests wait, and their time runs.
const CONNECTIONS: usize = 256;
/// Longer than the server lets any handler run.
const PATIENCE: Duration = Duration::from_secs(15);
const PROGRESS: Duration = Duration::from_secs(10);

/// What came of the load on one server.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    /// What the server counted since the warm-up.
    pub(crate) gauge: Gauge,
    /// How long that was.
    pub(crate) elapsed: Duration,
}

struct Driver {
    client: Client,
    scenario: Mutex<Scenario>,
    tally: Mutex<Tally>,
    gate: Semaphore,
    features: Features,
    start: Instant,
    /// What is due earlier does not count.
    warm_up: Duration,
}

/// Starts a server, puts the load on it, and stops it.
///
/// # Errors
///
/// If the server does not start, does not say what it has, or does not end in order.
pub(crate) async fn drive(
    options: &Options,
    features: Features,
) -> Result<Outcome, Box<dyn Error>> {
    let stores = if options.shared {
        Some(Stores::start().await)
    } else {
        None
    };
    let crowd = options.crowd();
    let server = Server::start(features, crowd.customers, stores).await?;
    let client = Client::new(server.address);
    let fleet = fleet::explore(&client).await?;
    let driver = Arc::new(Driver {
        client,
        scenario: Mutex::new(Scenario::new(fleet, crowd, Today::utc())),
        tally: Mutex::new(Tally::new()?),
        gate: Semaphore::new(CONNECTIONS),
        features,
        start: Instant::now(),
        warm_up: options.warm_up(),
    });
    let gauge = driver.run(options, server.process).await?;
    let elapsed = driver.start.elapsed() - driver.warm_up;
    server.stop().await?;
    let driver = Arc::into_inner(driver).ok_or("a request is still under way")?;
    Ok(Outcome {
        tally: driver.tally.into_inner(),
        gauge,
        elapsed,
    })
}

impl Driver {
    /// Returns what the server counted since the warm-up.
    async fn run(
        self: &Arc<Self>,
        options: &Options,
        process: u32,
    ) -> Result<Gauge, Box<dyn Error>> {
        let length = options.warm_up() + options.length(self.features);
        let mut due = pace(self.start, arrivals(options.reads, options.writes, length));
        let mut requests = JoinSet::new();
        let mut before = None;
        let mut progress = PROGRESS;
        while let Some(arrival) = due.recv().await {
            requests.spawn(Arc::clone(self).request(arrival));
            if before.is_none() && arrival.at >= self.warm_up {
                let client = self.client.clone();
                before = Some(tokio::spawn(
                    async move { Gauge::read(&client, process).await },
                ));
            }
            if arrival.at >= progress {
                self.tell(progress, requests.len());
                progress += PROGRESS;
            }
            while let Some(ended) = requests.try_join_next() {
                ended?;
            }
        }
        while let Some(ended) = requests.join_next().await {
            ended?;
        }
        let before = before.ok_or("nothing was due after the warm-up")?.await??;
        let after = Gauge::read(&self.client, process).await?;
        Ok(after.since(before))
    }

    fn tell(&self, at: Duration, under_way: usize) {
        let seconds = at.as_secs();
        let wrong = self.tally.lock().wrong;
        // Nobody may be reading.
        let _ = writeln!(
            io::stderr(),
            "{seconds} s: {under_way} under way, {wrong} wrong answers"
        );
    }

    async fn request(self: Arc<Self>, arrival: Arrival) {
        let due = self.start + arrival.at;
        let lag = due.elapsed();
        let Some(request) = self.scenario.lock().next(arrival.lane) else {
            self.tally.lock().left_out += 1;
            return;
        };
        let (kind, described) = (request.kind, format!("{} {}", request.method, request.path));
        // It is never closed.
        let _permit = self.gate.acquire().await;
        let asked = self.scenario.lock().sending(&request);
        let sent = Instant::now();
        let answer = timeout(PATIENCE, self.client.send(&request)).await;
        let times = Times {
            lag,
            since_due: due.elapsed(),
            since_sent: sent.elapsed(),
        };
        let answer = answer.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        let judged = answer
            .as_ref()
            .map_err(String::clone)
            .and_then(|answer| self.judge(request, asked, answer));
        let mut tally = self.tally.lock();
        if let Err(wrong) = judged {
            tally.record_wrong(format!("{described}: {wrong}"));
        }
        if arrival.at >= self.warm_up {
            let status = answer
                .as_ref()
                .map_or(StatusCode::GATEWAY_TIMEOUT, |answer| answer.status);
            tally.failures += u64::from(status.is_server_error());
            let hit = answer.is_ok_and(|answer| answer.is_hit());
            tally.record(kind, times, hit, status == StatusCode::TOO_MANY_REQUESTS);
        }
    }

    fn judge(&self, request: Request, asked: Option<Asked>, answer: &Answer) -> Result<(), String> {
        if self.features == Features::On {
            answer.check_promises()?;
        }
        answer.check_status(request.kind)?;
        self.scenario.lock().answered(request, asked, answer)
    }
}

/// Tells when each is due. A thread does it, since the clock of the runtime ticks in milliseconds.
fn pace(
    start: Instant,
    arrivals: impl Iterator<Item = Arrival> + Send + 'static,
) -> mpsc::UnboundedReceiver<Arrival> {
    let (sender, receiver) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for arrival in arrivals {
            let wait = (start + arrival.at).saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                thread::sleep(wait);
            }
            if sender.send(arrival).is_err() {
                break;
            }
        }
    });
    receiver
}
