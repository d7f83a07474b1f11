use std::collections::BTreeMap;

use exodrive_cache::{CacheDecision, Outcome};
use hdrhistogram::Histogram;
use serde::Serialize;

use super::Observation;

/// What happened in some seconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    server_errors: u64,
    refused: u64,
    routes: BTreeMap<String, RouteTally>,
    codes: BTreeMap<String, u64>,
    limits: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, Default)]
struct RouteTally {
    lookups: u64,
    hits: u64,
    times: Times,
}

/// Times in microseconds, to two digits, so that a second of a route takes a few kilobytes.
#[derive(Clone, Debug)]
struct Times(Histogram<u64>);

/// A moment on the charts: what happened in the seconds before it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Point {
    /// In seconds since 1970.
    at: u64,
    requests_per_second: f64,
    /// The part of the lookups that the cache answered; nothing if there were none.
    hit_rate: Option<f64>,
    p95_ms: Option<f64>,
    server_errors_per_second: f64,
    refused_per_second: f64,
    routes: BTreeMap<String, RoutePoint>,
    /// Envelopes in a second, by code.
    codes: BTreeMap<String, f64>,
    /// Refusals in a second, by limit.
    limits: BTreeMap<String, f64>,
}

/// The same of one route.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RoutePoint {
    requests_per_second: f64,
    hit_rate: Option<f64>,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
}

const SHORTEST: u64 = 1;
const LONGEST: u64 = 60_000_000;

impl Default for Times {
    fn default() -> Self {
        let times = Histogram::new_with_bounds(SHORTEST, LONGEST, 2);
        Self(times.expect("bounds that are far apart, and a precision below six digits"))
    }
}

impl Tally {
    /// Returns whether the answer came without a query.
    pub(super) fn add(&mut self, observation: &Observation<'_>) -> bool {
        let name = observation.route.unwrap_or("none");
        if !self.routes.contains_key(name) {
            self.routes.insert(name.to_owned(), RouteTally::default());
        }
        let lookup = observation.cache().and_then(found);
        if let Some(route) = self.routes.get_mut(name) {
            let micros = u64::try_from(observation.time.as_micros()).unwrap_or(u64::MAX);
            route.times.0.saturating_record(micros.max(SHORTEST));
            route.lookups += u64::from(lookup.is_some());
            route.hits += u64::from(lookup == Some(true));
        }
        self.server_errors += u64::from(observation.status >= 500);
        if let Some(code) = observation.code() {
            *self.codes.entry(code.to_owned()).or_default() += 1;
        }
        if let Some(refusal) = observation.refusal() {
            self.refused += 1;
            let limit = refusal.limit.unwrap_or(refusal.outcome);
            *self.limits.entry(limit.to_owned()).or_default() += 1;
        }
        lookup == Some(true)
    }

    fn join(&mut self, other: &Self) {
        self.server_errors += other.server_errors;
        self.refused += other.refused;
        for (name, route) in &other.routes {
            let sum = self.routes.entry(name.clone()).or_default();
            sum.lookups += route.lookups;
            sum.hits += route.hits;
            // Both have the same bounds, so everything fits.
            let _ = sum.times.0.add(&route.times.0);
        }
        for (sums, counts) in [
            (&mut self.codes, &other.codes),
            (&mut self.limits, &other.limits),
        ] {
            for (name, count) in counts {
                *sums.entry(name.clone()).or_default() += count;
            }
        }
    }
}

/// Whether a lookup found an answer; nothing if the cache was not asked.
fn found(decision: &CacheDecision) -> Option<bool> {
    match decision.outcome() {
        Outcome::Hit { .. } | Outcome::Stale { .. } | Outcome::Revalidated | Outcome::Coalesced => {
            Some(true)
        }
        Outcome::Miss { .. } | Outcome::Unanswered(_) => Some(false),
        _ => None,
    }
}

impl Point {
    /// What these seconds, of which there is at least one, come to.
    pub(super) fn of<'a>(at: u64, seconds: impl ExactSizeIterator<Item = &'a Tally>) -> Self {
        let span = seconds.len().max(1) as f64;
        let mut sum = Tally::default();
        for second in seconds {
            sum.join(second);
        }
        let mut all = RouteTally::default();
        for route in sum.routes.values() {
            all.lookups += route.lookups;
            all.hits += route.hits;
            let _ = all.times.0.add(&route.times.0);
        }
        let per_second = |count: u64| count as f64 / span;
        let rates = |counts: BTreeMap<String, u64>| {
            let rates = counts.into_iter();
            rates
                .map(|(name, count)| (name, per_second(count)))
                .collect()
        };
        Self {
            at,
            requests_per_second: per_second(all.times.0.len()),
            hit_rate: all.hit_rate(),
            p95_ms: (!all.times.0.is_empty()).then(|| all.times.millis(0.95)),
            server_errors_per_second: per_second(sum.server_errors),
            refused_per_second: per_second(sum.refused),
            routes: sum
                .routes
                .into_iter()
                .map(|(name, route)| {
                    let point = RoutePoint {
                        requests_per_second: per_second(route.times.0.len()),
                        hit_rate: route.hit_rate(),
                        p50_ms: route.times.millis(0.5),
                        p95_ms: route.times.millis(0.95),
                        p99_ms: route.times.millis(0.99),
                    };
                    (name, point)
                })
                .collect(),
            codes: rates(sum.codes),
            limits: rates(sum.limits),
        }
    }

    pub(crate) fn at(&self) -> u64 {
        self.at
    }
}

impl RouteTally {
    fn hit_rate(&self) -> Option<f64> {
        (self.lookups > 0).then(|| self.hits as f64 / self.lookups as f64)
    }
}

impl Times {
    fn millis(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1_000.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{Method, Response};

    use super::*;

    fn tally(millis: impl IntoIterator<Item = u64>) -> Tally {
        let mut tally = Tally::default();
        for millis in millis {
            let answer = Response::builder()
                .header("x-error-code", "NOT_FOUND")
                .body(());
            let answer = answer.unwrap();
            let time = Duration::from_millis(millis);
            tally.add(&Observation::new(&Method::GET, Some("/a"), &answer, time));
        }
        tally
    }

    #[test]
    fn percentiles_are_of_all_seconds_together() {
        let seconds = [tally(1..=50), tally(51..=100)];
        let point = Point::of(7, seconds.iter());
        assert_eq!(point.requests_per_second, 50.0);
        assert_eq!(point.codes["NOT_FOUND"], 50.0);
        let route = &point.routes["/a"];
        for (found, expected) in [
            (route.p50_ms, 50.0),
            (route.p95_ms, 95.0),
            (route.p99_ms, 99.0),
        ] {
            assert!(
                (found - expected).abs() <= expected / 50.0,
                "{found} is not {expected}"
            );
        }
        assert_eq!(route.hit_rate, None);
    }

    #[test]
    fn nothing_happened_in_no_requests() {
        let point = Point::of(7, [Tally::default()].iter());
        assert_eq!(
            point,
            Point {
                at: 7,
                ..Point::default()
            }
        );
    }
}
