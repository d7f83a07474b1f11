//! What the calls to a server and its background tasks share.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::timeout;

use crate::breaker::Breaker;
use crate::breaker::Opening;
use crate::breaker::Ticket;
use crate::connector::Connector;
use crate::error::Blame;
use crate::error::Error;
use crate::health::Health;
use crate::in_flight::InFlight;
use crate::in_flight::Place;
use crate::link::Link;
#[cfg(feature = "metrics")]
use crate::meters::Meters;
use crate::probe::probe;
use crate::request::Request;

/// What the builder settled.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Host and port, or path; without credentials.
    pub(crate) server: String,
    pub(crate) deadline: Duration,
    pub(crate) in_flight: usize,
    pub(crate) connections: usize,
}

/// One server: the connections to it, its breaker and the calls in flight to it.
pub(crate) struct Shared {
    settings: Settings,
    connector: Connector,
    origin: Instant,
    links: Box<[ArcSwapOption<Link>]>,
    turn: AtomicUsize,
    in_flight: InFlight,
    breaker: Breaker,
    tripped: Notify,
    health: watch::Sender<Health>,
    #[cfg(feature = "metrics")]
    meters: Meters,
}

/// A call under way. Dropped before it is settled, it has left no trace.
struct Call<'a> {
    link: Arc<Link>,
    ticket: Ticket,
    place: Place<'a>,
    #[cfg(feature = "metrics")]
    begun: Instant,
}

impl Shared {
    pub(crate) fn new(settings: Settings, connector: Connector) -> Self {
        Self {
            connector,
            origin: Instant::now(),
            links: (0..settings.connections)
                .map(|_| ArcSwapOption::empty())
                .collect(),
            turn: AtomicUsize::new(0),
            in_flight: InFlight::new(settings.in_flight),
            breaker: Breaker::default(),
            tripped: Notify::new(),
            health: watch::Sender::new(Health::starting(SystemTime::now())),
            #[cfg(feature = "metrics")]
            meters: Meters::new(&settings.server),
            settings,
        }
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the host of the server, which its name begins with.
    #[cfg(feature = "cluster")]
    pub(crate) fn host(&self) -> &str {
        let name = &self.settings.server;
        name.rsplit_once(':').map_or(name, |(host, _port)| host)
    }

    /// Makes a connection that is fit for use: one that answers within the deadline of a request.
    pub(crate) async fn connect(&self) -> Result<Link, Error> {
        let link = self.connector.connect().await?;
        self.probe(&link).await?;
        Ok(link)
    }

    /// Asks the server whether it serves.
    pub(crate) async fn probe(&self, link: &Link) -> Result<(), Error> {
        self.in_time(probe(link, self.connector.clustered)).await
    }

    /// The time that the breaker and the backoffs count in.
    pub(crate) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    pub(crate) const fn health(&self) -> &watch::Sender<Health> {
        &self.health
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.count()
    }

    pub(crate) fn connections_made(&self) -> u64 {
        self.connector.made.load(Ordering::Acquire)
    }

    /// Makes a call that has `left` of its deadline.
    pub(crate) async fn call<R: Request>(
        &self,
        request: &R,
        left: Duration,
    ) -> Result<R::Outcome, Error> {
        let call = self.admit()?;
        let outcome = timeout(left, request.send(&call.link))
            .await
            .unwrap_or_else(|_| Err(Error::timed_out(self.settings.deadline)));
        self.settle(call, R::worst(&outcome));
        outcome
    }

    /// Bounds anything that waits for the server by the deadline.
    pub(crate) async fn in_time<T>(
        &self,
        waiting: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let deadline = self.settings.deadline;
        timeout(deadline, waiting)
            .await
            .unwrap_or_else(|_| Err(Error::timed_out(deadline)))
    }

    /// Returns all live connections.
    pub(crate) fn live(&self) -> impl Iterator<Item = Arc<Link>> {
        live(&self.links)
    }

    /// Returns a live connection, each in turn.
    pub(crate) fn link(&self) -> Option<Arc<Link>> {
        let (before, from) = self
            .links
            .split_at(self.turn.fetch_add(1, Ordering::Relaxed) % self.links.len());
        live(from).chain(live(before)).next()
    }

    /// Puts a connection that answered the probe to use.
    pub(crate) fn publish(&self, slot: usize, link: Arc<Link>) {
        // Before the connection can be taken, so that whoever has a reply of it sees it counted.
        self.connector.made.fetch_add(1, Ordering::AcqRel);
        self.links[slot].store(Some(link));
        // What opened the breaker was true of an earlier connection.
        if let Some(opening) = self.breaker.opening() {
            self.breaker.close(opening);
        }
        self.report(None);
    }

    /// Takes a connection that has ended out of use.
    pub(crate) fn withdraw(&self, slot: usize, reason: &Error) {
        self.links[slot].store(None);
        self.report(Some(reason));
    }

    /// Takes note of what came of a call on `link`, and ends the connections that this speaks against.
    pub(crate) fn observe(&self, link: &Link, error: Option<&Error>) {
        // A straggler on a connection that has ended says nothing about those made since.
        let first = link.is_live();
        link.observe(error);
        if let Some(error) = error
            && first
            && error.blame() == Blame::EveryConnection
        {
            for other in self.live() {
                other.end(error.clone());
            }
        }
    }

    /// Waits until the breaker opens; for one waiter.
    pub(crate) async fn tripped(&self) {
        self.tripped.notified().await;
    }

    pub(crate) fn opening(&self) -> Option<Opening> {
        self.breaker.opening()
    }

    /// Closes the breaker after a probe was answered.
    pub(crate) fn close(&self, opening: Opening) {
        if self.breaker.close(opening) {
            self.report(None);
        }
    }

    /// Brings the health up to date, and logs it if the status changed.
    pub(crate) fn report(&self, error: Option<&Error>) {
        let mut change = None;
        // Everything is read under the channel's lock, so that of two reports the later one stays.
        self.health.send_if_modified(|health| {
            let live = self.live().count();
            let open = self.breaker.opening().is_some();
            let now = health.after(live, open, error, SystemTime::now());
            if now == *health {
                return false;
            }
            change = Some((std::mem::replace(health, now.clone()), now));
            true
        });
        if let Some((before, now)) = change {
            #[cfg(feature = "metrics")]
            self.meters.changed(&now);
            now.log_transition(&before, &self.settings.server);
        }
    }

    /// Fails at once where waiting would be the alternative.
    fn admit(&self) -> Result<Call<'_>, Error> {
        let call = self.try_admit();
        #[cfg(feature = "metrics")]
        if let Err(error) = &call {
            self.meters.turned_away(error);
        }
        call
    }

    fn try_admit(&self) -> Result<Call<'_>, Error> {
        Ok(Call {
            ticket: self.breaker.admit().ok_or_else(Error::breaker_open)?,
            link: self.link().ok_or_else(Error::not_connected)?,
            place: self
                .in_flight
                .enter()
                .ok_or_else(|| Error::overloaded(self.in_flight.limit()))?,
            #[cfg(feature = "metrics")]
            begun: Instant::now(),
        })
    }

    fn settle(&self, call: Call<'_>, error: Option<&Error>) {
        drop(call.place);
        #[cfg(feature = "metrics")]
        self.meters
            .settled(error, call.begun.elapsed(), self.in_flight());
        self.observe(&call.link, error);
        let failed = error.is_some_and(|error| error.blame() > Blame::Call);
        if !failed && self.breaker.is_untroubled() {
            // Nearly every call ends here, and is spared the clock.
            return;
        }
        if self.breaker.record(&call.ticket, failed, self.now()) {
            self.tripped.notify_one();
            self.report(error);
        }
    }
}

fn live(links: &[ArcSwapOption<Link>]) -> impl Iterator<Item = Arc<Link>> {
    let links = links.iter().filter_map(ArcSwapOption::load_full);
    links.filter(|link| link.is_live())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::tests::link;

    async fn shared(connections: usize) -> (Shared, Vec<Arc<Link>>) {
        let settings = Settings {
            server: "test".to_owned(),
            deadline: Duration::from_secs(1),
            in_flight: 1,
            connections,
        };
        let shared = Shared::new(settings, Connector::nowhere());
        let mut links = Vec::new();
        for slot in 0..connections {
            links.push(Arc::new(link([]).await));
            shared.publish(slot, Arc::clone(&links[slot]));
        }
        (shared, links)
    }

    #[tokio::test]
    async fn takes_live_connections_in_turn() {
        let (shared, links) = shared(3).await;
        links[1].end(Error::lost());
        let taken: Vec<_> = (0..6).filter_map(|_| shared.link()).collect();
        let expected = [0, 2, 2, 0, 2, 2].map(|slot: usize| &links[slot]);
        assert!(
            taken
                .iter()
                .zip(expected)
                .all(|(taken, link)| Arc::ptr_eq(taken, link))
        );
        links[0].end(Error::lost());
        links[2].end(Error::lost());
        assert!(shared.link().is_none());
    }

    #[tokio::test]
    async fn a_straggler_does_not_end_the_connections_made_since() {
        let (shared, links) = shared(2).await;
        shared.observe(&links[0], Some(&Error::replica()));
        assert!(links.iter().all(|link| !link.is_live()));
        let next = Arc::new(link([]).await);
        shared.publish(1, Arc::clone(&next));
        shared.observe(&links[0], Some(&Error::replica()));
        assert!(next.is_live());
    }

    #[tokio::test]
    async fn a_new_connection_closes_the_breaker() {
        let (shared, _links) = shared(1).await;
        for _ in 0..crate::breaker::STREAK {
            let call = shared.admit().unwrap();
            shared.settle(call, Some(&Error::timed_out(Duration::ZERO)));
        }
        assert!(shared.health().borrow().is_breaker_open());
        shared.publish(0, Arc::new(link([]).await));
        assert!(shared.health().borrow().is_connected());
        assert!(shared.admit().is_ok());
    }
}
