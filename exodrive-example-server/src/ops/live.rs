use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event;
use futures_util::stream::{self, Stream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::interval;

use super::views::Overview;
use crate::AppState;

/// How many pages may follow at once. Each takes a connection and a copy of the overview every second.
const SEATS: usize = 16;

/// The overview, anew every second, for as many as may follow it.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    overviews: watch::Receiver<Arc<str>>,
    seats: Arc<Semaphore>,
}

impl Live {
    /// Starts to measure, until the chores end; then the streams end, too.
    pub(crate) fn start(state: AppState, chores: &mut JoinSet<()>) -> Self {
        let (sender, overviews) = watch::channel(Arc::from("{}"));
        let seats = Arc::new(Semaphore::new(SEATS));
        chores.spawn(run(state, sender, seats.clone()));
        Self { overviews, seats }
    }

    /// The overviews from now on; nothing if too many follow them already.
    pub(super) fn follow(&self) -> Option<impl Stream<Item = Result<Event, Infallible>> + use<>> {
        let seat = self.seats.clone().try_acquire_owned().ok()?;
        let overviews = self.overviews.clone();
        Some(stream::unfold(
            (overviews, seat),
            async |(mut overviews, seat)| {
                overviews.changed().await.ok()?;
                let overview = overviews.borrow_and_update().clone();
                Some((Ok(Event::default().data(&*overview)), (overviews, seat)))
            },
        ))
    }
}

async fn run(state: AppState, sender: watch::Sender<Arc<str>>, seats: Arc<Semaphore>) {
    let mut interval = interval(Duration::from_secs(1));
    loop {
        interval.tick().await;
        state.pulse.tick();
        state.exposition.upkeep();
        // Nobody has to be asked about orders while nobody looks.
        if seats.available_permits() == SEATS {
            continue;
        }
        match serde_json::to_string(&Overview::of(&state).await) {
            Ok(overview) => drop(sender.send_replace(overview.into())),
            Err(error) => tracing::error!(%error, "the overview cannot be written"),
        }
    }
}
