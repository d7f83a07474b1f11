use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use serde::Serialize;

use super::Observation;
use super::tally::{Point, Tally};

/// Figures are about so many seconds, long enough to be calm and short enough to follow what happens.
const SPAN: usize = 10;

/// How many points are kept, one for each second: a quarter of an hour.
const POINTS: usize = 900;

/// How many failures are kept.
const FAILURES: usize = 100;

/// What this instance has been doing lately, for people to look at.
///
/// Cloning is cheap and gives a handle to the same.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    recent: Arc<Mutex<Recent>>,
}

#[derive(Debug, Default)]
struct Recent {
    second: Tally,
    seconds: VecDeque<Tally>,
    points: VecDeque<Point>,
    failures: VecDeque<Failure>,
    saved: u64,
}

/// A failure that a client may ask about, by its trace id.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure {
    trace_id: String,
    /// In seconds since 1970.
    at: u64,
    code: String,
    status: u16,
    method: &'static str,
    route: String,
}

impl Pulse {
    pub(super) fn record(&self, observation: &Observation<'_>) {
        let failure = Failure::of(observation);
        let mut recent = self.recent.lock();
        let saved = recent.second.add(observation);
        recent.saved += u64::from(saved);
        if let Some(failure) = failure {
            recent.failures.truncate(FAILURES - 1);
            recent.failures.push_front(failure);
        }
    }

    /// Ends the second that is under way; expected once a second.
    pub(crate) fn tick(&self) {
        self.tick_at(unix_seconds());
    }

    fn tick_at(&self, now: u64) {
        let mut recent = self.recent.lock();
        let second = mem::take(&mut recent.second);
        recent.seconds.push_back(second);
        if recent.seconds.len() > SPAN {
            recent.seconds.pop_front();
        }
        let point = Point::of(now, recent.seconds.iter());
        recent.points.push_back(point);
        if recent.points.len() > POINTS {
            recent.points.pop_front();
        }
    }

    pub(crate) fn latest(&self) -> Point {
        self.recent
            .lock()
            .points
            .back()
            .cloned()
            .unwrap_or_default()
    }

    /// The points of the last so many seconds, oldest first.
    pub(crate) fn history(&self, seconds: u64) -> Vec<Point> {
        let from = unix_seconds().saturating_sub(seconds);
        let recent = self.recent.lock();
        let points = recent.points.iter();
        points.filter(|point| point.at() > from).cloned().collect()
    }

    /// Newest first.
    pub(crate) fn failures(&self) -> Vec<Failure> {
        self.recent.lock().failures.iter().cloned().collect()
    }

    /// How many reads needed no query.
    pub(crate) fn saved(&self) -> u64 {
        self.recent.lock().saved
    }
}

impl Failure {
    /// Refusals are many and alike; they have a table of their own.
    fn of(observation: &Observation<'_>) -> Option<Self> {
        if observation.refusal().is_some() {
            return None;
        }
        Some(Self {
            trace_id: observation.trace_id()?.to_owned(),
            at: unix_seconds(),
            code: observation.code()?.to_owned(),
            status: observation.status,
            method: observation.method,
            route: observation.route.unwrap_or("none").to_owned(),
        })
    }
}

fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{Method, Response};

    use super::*;

    #[test]
    fn keeps_a_bounded_past() {
        let pulse = Pulse::default();
        for n in 0..(FAILURES as u64 * 2) {
            let answer = Response::builder()
                .status(500)
                .header("x-error-code", "INTERNAL_ERROR")
                .header("x-trace-id", n.to_string())
                .body(());
            let answer = answer.unwrap();
            pulse.record(&Observation::new(
                &Method::GET,
                None,
                &answer,
                Duration::ZERO,
            ));
        }
        let failures = pulse.failures();
        assert_eq!(failures.len(), FAILURES);
        assert_eq!(failures[0].trace_id, (FAILURES * 2 - 1).to_string());

        let now = unix_seconds();
        for second in 0..(POINTS as u64 + 5) {
            pulse.tick_at(now - POINTS as u64 + second);
        }
        assert_eq!(pulse.history(u64::MAX).len(), POINTS);
        assert!(pulse.history(60).len() < 70);
        assert_eq!(pulse.latest().at(), now + 4);
    }
}
