//! What a recorder of metrics is told.

use std::time::Duration;

use metrics::Counter;
use metrics::Gauge;
use metrics::Histogram;
use metrics::Unit;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::health::Health;

/// The outcomes of calls, by their label.
const OUTCOMES: [&str; 6] = [
    "ok",
    "unavailable",
    "timeout",
    "overloaded",
    "refused",
    "protocol",
];

/// The instruments of one handle, looked up once.
pub(crate) struct Meters {
    calls: [Counter; OUTCOMES.len()],
    seconds: Histogram,
    in_flight: Gauge,
    connections: Gauge,
    breaker_open: Gauge,
}

impl Meters {
    pub(crate) fn new(server: &str) -> Self {
        const CALLS: &str = "exodrive_redis_calls_total";
        const SECONDS: &str = "exodrive_redis_call_seconds";
        const IN_FLIGHT: &str = "exodrive_redis_in_flight";
        const CONNECTIONS: &str = "exodrive_redis_connections";
        const BREAKER_OPEN: &str = "exodrive_redis_breaker_open";
        metrics::describe_counter!(CALLS, "Calls by outcome");
        metrics::describe_histogram!(SECONDS, Unit::Seconds, "Time of the calls that were sent");
        metrics::describe_gauge!(IN_FLIGHT, "Calls in flight after the latest call");
        metrics::describe_gauge!(CONNECTIONS, "Live connections");
        metrics::describe_gauge!(BREAKER_OPEN, "1 while the breaker is open, else 0");
        let labels = [("server", server.to_owned())];
        Self {
            calls: OUTCOMES.map(|outcome| {
                metrics::counter!(CALLS, "server" => server.to_owned(), "outcome" => outcome)
            }),
            seconds: metrics::histogram!(SECONDS, &labels),
            in_flight: metrics::gauge!(IN_FLIGHT, &labels),
            connections: metrics::gauge!(CONNECTIONS, &labels),
            breaker_open: metrics::gauge!(BREAKER_OPEN, &labels),
        }
    }

    /// Takes note of a call that was not sent.
    pub(crate) fn turned_away(&self, error: &Error) {
        self.count(Some(error));
    }

    /// Takes note of a call that was sent and took `time`, with `in_flight` calls still under way.
    pub(crate) fn settled(&self, error: Option<&Error>, time: Duration, in_flight: usize) {
        self.count(error);
        self.seconds.record(time);
        self.in_flight.set(in_flight as f64);
    }

    pub(crate) fn changed(&self, health: &Health) {
        self.connections.set(health.connections() as f64);
        self.breaker_open
            .set(f64::from(u8::from(health.is_breaker_open())));
    }

    fn count(&self, error: Option<&Error>) {
        let outcome = match error.map(Error::kind) {
            None => 0,
            Some(ErrorKind::Unavailable) => 1,
            Some(ErrorKind::Timeout) => 2,
            Some(ErrorKind::Overloaded) => 3,
            Some(ErrorKind::Refused) => 4,
            Some(ErrorKind::Protocol) => 5,
        };
        self.calls[outcome].increment(1);
    }
}
