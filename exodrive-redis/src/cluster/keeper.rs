//! Keeping up with a cluster that changes.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::backoff::Backoff;
use crate::cluster::members::Members;
use crate::cluster::topology;
use crate::cluster::topology::Range;
use crate::command::Command;
use crate::connector::Server;
use crate::error::Error;
use crate::link::Link;
use crate::race::first_answer;

/// How long what is known is believed while nothing speaks against it.
const BELIEF: Duration = Duration::from_secs(10);

/// How long to wait at least before asking again, however much speaks against it.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks who has which slots: at first, when there is doubt, while a server is gone, and now and then.
pub(super) async fn keep_up(members: Arc<Members>) {
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
    let origin = Instant::now();
    loop {
        match ask_anyone(&members).await {
            Ok(ranges) => {
                members.learn(ranges);
                members.report(None);
            }
            Err(error) => members.report(Some(&error)),
        }
        sleep(PAUSE).await;
        let connected = members.health.borrow().is_connected();
        let patience = if connected {
            BELIEF
        } else {
            backoff.delay(origin.elapsed(), fastrand::f64())
        };
        // Either way it is time to ask.
        let _ = timeout(patience, members.doubt.notified()).await;
    }
}

/// Returns what the first server tells that is there.
async fn ask_anyone(members: &Members) -> Result<Vec<Range>, Error> {
    for server in members.servers() {
        let Some(link) = server.link() else { continue };
        let answer = server.in_time(ask(&link, server.host())).await;
        if answer.is_ok() {
            return answer;
        }
    }
    let seeds = members.seeds.iter().cloned();
    let limit = members.connect_timeout;
    let answer = first_answer(seeds.map(ask_seed), Error::not_connected());
    timeout(limit, answer)
        .await
        .unwrap_or_else(|_| Err(Error::timed_out(limit)))
}

async fn ask_seed(seed: Server) -> Result<Vec<Range>, Error> {
    let link = seed.connect(1).await?;
    ask(&link, seed.host()).await
}

async fn ask(link: &Link, host: &str) -> Result<Vec<Range>, Error> {
    let slots = Command::new("CLUSTER").arg("SLOTS");
    topology::read(link.query(slots.packed()).await?, host)
}
