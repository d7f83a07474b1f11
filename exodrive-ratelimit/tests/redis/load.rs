//! Others at work, whatever happens: checks at a fixed rate, each sent when it is due, whatever became of those before.

use std::array::from_fn;
use std::time::Duration;

use exodrive_ratelimit::store::Source;
use exodrive_ratelimit::{Decision, Outcome, RateLimited, RateLimiter, RedisStore, Subject};
use tokio::select;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, interval, timeout};

use crate::support::PATIENCE;

/// How many checks are sent in a second.
const RATE: u32 = 1_000;

/// How many subjects they are about, in turns.
const SUBJECTS: usize = 5;

/// The deadline is two seconds, and a busy machine is late for it; a check that waits longer than that hangs.
const ANSWERED_WITHIN: Duration = Duration::from_secs(4);

/// From so many answers in a row it is concluded that the server decides.
const IN_A_ROW: u32 = 100;

/// Checks that go on until they are ended.
pub(crate) struct Load {
    answers: watch::Sender<Answers>,
    stop: oneshot::Sender<()>,
    sending: JoinHandle<()>,
}

/// What became of the checks so far.
#[derive(Default)]
struct Answers {
    admitted: [u32; SUBJECTS],
    /// How many were decided without the server.
    alone: u32,
    slowest: Duration,
    /// How late one was sent, at most, since it was last waited for the server.
    lateness: Duration,
    /// The answers since the latest one without the server: how many, and when the first of them came.
    by_server: Option<(u32, Instant)>,
}

impl Load {
    /// Begins, and returns once the server decides.
    pub(crate) async fn start(limiter: &RateLimiter<RedisStore>) -> Self {
        let answers = watch::Sender::default();
        let (stop, stopped) = oneshot::channel();
        let load = Self {
            sending: tokio::spawn(send(limiter.clone(), answers.clone(), stopped)),
            answers,
            stop,
        };
        load.until_the_server_decides().await;
        load
    }

    /// Waits until something has been decided without the server.
    pub(crate) async fn until_one_is_decided_alone(&self) {
        let mut answers = self.answers.subscribe();
        let alone = answers.wait_for(|answers| answers.alone > 0);
        timeout(PATIENCE, alone).await.unwrap().unwrap();
    }

    /// How long it takes from now until the server decides, and goes on to.
    pub(crate) async fn until_the_server_decides(&self) -> Duration {
        let begun = Instant::now();
        self.answers.send_modify(|answers| {
            answers.by_server = None;
            answers.lateness = Duration::ZERO;
        });
        let mut answers = self.answers.subscribe();
        let many = |answers: &Answers| answers.by_server.is_some_and(|(many, _)| many >= IN_A_ROW);
        let decides = timeout(PATIENCE, answers.wait_for(many)).await;
        let (_, since) = decides.unwrap().unwrap().by_server.unwrap();
        since - begun
    }

    /// How late the machine was, at most, while it was last waited for the server.
    pub(crate) fn lateness(&self) -> Duration {
        self.answers.borrow().lateness
    }

    /// Ends once everything is answered.
    pub(crate) async fn end(self) -> Totals {
        self.stop.send(()).unwrap();
        self.sending.await.unwrap();
        let answers = self.answers.borrow();
        Totals {
            admitted: answers.admitted,
            alone: answers.alone,
            slowest: answers.slowest,
        }
    }
}

/// What became of all checks.
pub(crate) struct Totals {
    /// How many were admitted of each subject, by whomever.
    pub(crate) admitted: [u32; SUBJECTS],
    /// How many were decided without the server.
    pub(crate) alone: u32,
    pub(crate) slowest: Duration,
}

impl Totals {
    /// Sees that the server counts exactly: of every subject as much is admitted as it says is left, and no more.
    /// Returns how many were admitted in all.
    pub(crate) async fn with_what_is_left(
        self,
        limiter: &RateLimiter<RedisStore>,
    ) -> [u32; SUBJECTS] {
        let mut admitted = self.admitted;
        for (number, admitted) in admitted.iter_mut().enumerate() {
            let counted = limiter.control().peek(subject(number)).await.unwrap();
            let left = counted.limits()[0].remaining();
            let mut more = 0;
            for _ in 0..left + 5 {
                more += u32::from(limiter.check(subject(number), 1).await.is_ok());
            }
            assert_eq!(more, left);
            *admitted += more;
        }
        admitted
    }
}

/// What the server counts them by.
pub(crate) fn keys() -> [String; SUBJECTS] {
    from_fn(|number| format!("rl:{{user/other-{number}}}:w:daily"))
}

fn subject(number: usize) -> Subject {
    Subject::user(format!("other-{number}"))
}

async fn send(
    limiter: RateLimiter<RedisStore>,
    answers: watch::Sender<Answers>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut checks = JoinSet::new();
    // Those that are late are sent at once.
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    for number in (0..SUBJECTS).cycle() {
        let due = select! {
            _ = &mut stopped => break,
            due = ticks.tick() => due,
        };
        let (limiter, answers) = (limiter.clone(), answers.clone());
        checks.spawn(async move {
            let sent = Instant::now();
            answers.send_modify(|answers| answers.lateness = answers.lateness.max(sent - due));
            let checked = timeout(ANSWERED_WITHIN, limiter.check(subject(number), 1)).await;
            let checked = checked
                .expect("no check hangs")
                .map(|permit| permit.decision());
            answers.send_modify(|answers| answers.take(number, sent.elapsed(), checked));
        });
    }
    checks.join_all().await;
}

impl Answers {
    fn take(&mut self, number: usize, took: Duration, checked: Result<Decision, RateLimited>) {
        self.slowest = self.slowest.max(took);
        let decision = match checked {
            Ok(decision) => {
                self.admitted[number] += 1;
                decision
            }
            Err(refusal) => refusal.decision().clone(),
        };
        let (outcome, source) = (decision.outcome(), decision.source());
        assert!(
            matches!(outcome, Outcome::Allowed | Outcome::Refused),
            "{outcome:?}"
        );
        if source == Source::FALLBACK {
            self.alone += 1;
            self.by_server = None;
        } else {
            let (many, _) = self.by_server.get_or_insert_with(|| (0, Instant::now()));
            *many += 1;
        }
    }
}
