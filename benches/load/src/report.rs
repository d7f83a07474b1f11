//! What came of it, as Markdown.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::drive::Outcome;
use crate::kind::Kind;
use crate::tally::OfKind;

/// A tenth of what answers may take. Above this the load was not the one that was asked for.
const MOST_LAG: Duration = Duration::from_millis(20);

/// The load with the features on, and the same with them off.
#[derive(Debug)]
pub(crate) struct Report {
    /// What was measured, on what.
    head: String,
    goals: Vec<Goal>,
    on: Side,
    off: Side,
}

/// One of the two, put into numbers.
#[derive(Debug)]
pub(crate) struct Side {
    outcome: Outcome,
    cached: OfKind,
}

/// What has to be reached.
#[derive(Debug)]
struct Goal {
    what: &'static str,
    wanted: &'static str,
    measured: String,
    met: bool,
    /// Whether missing it fails the run.
    binds: bool,
}

impl Report {
    pub(crate) fn new(head: String, on: Side, off: Side) -> Self {
        Self {
            head,
            goals: goals(&on, &off),
            on,
            off,
        }
    }

    /// Whether the answers were right, the load came in time, and the goals that bind were reached.
    pub(crate) fn passes(&self) -> bool {
        !self.goals.iter().any(Goal::fails)
    }
}

impl Goal {
    fn fails(&self) -> bool {
        self.binds && !self.met
    }
}

fn goals(on: &Side, off: &Side) -> Vec<Goal> {
    let tally = &on.outcome.tally;
    let p95 = on.p95();
    let p99 = quantile(&on.cached.since_due, 0.99);
    let saved_time = saved(on.mean(), off.mean());
    let saved_at_server = saved(on.mean_at_server(), off.mean_at_server());
    let saved_queries = saved(on.queries_per_request(), off.queries_per_request());
    let hits = on.cached.hit_rate();
    let processor = on.processor();
    let [answered, begun, left_out] = pace(on);
    vec![
        answered,
        goal(
            "their mean response time, less than with the features off by",
            "80 %",
            percent(saved_time),
            saved_time >= 0.8,
            false,
        ),
        goal(
            "the same by the clock of the server",
            "80 %",
            percent(saved_at_server),
            saved_at_server >= 0.8,
            false,
        ),
        goal(
            "hit rate of the cached routes",
            "> 85 %",
            percent(hits),
            hits > 0.85,
            true,
        ),
        goal(
            "queries of a request, less than with the features off by",
            "70 %",
            percent(saved_queries),
            saved_queries >= 0.7,
            true,
        ),
        goal(
            "answers of 500 or more",
            "none",
            tally.failures.to_string(),
            tally.failures == 0,
            true,
        ),
        goal(
            "wrong answers: outdated, no envelope, no headers, an unexpected status",
            "none",
            tally.wrong.to_string(),
            tally.wrong == 0,
            true,
        ),
        goal(
            "p95 of the cached routes, on two cores shared with the load",
            "<= 5 ms",
            millis(p95),
            p95 <= Duration::from_millis(5),
            false,
        ),
        goal(
            "their p99",
            "<= 10 ms",
            millis(p99),
            p99 <= Duration::from_millis(10),
            false,
        ),
        goal(
            "processor time of the server",
            "<= 60 % of a core",
            percent(processor),
            processor <= 0.6,
            false,
        ),
        begun,
        left_out,
    ]
}

/// What a machine that does something else meanwhile costs first.
fn pace(on: &Side) -> [Goal; 3] {
    let tally = &on.outcome.tally;
    let p95 = on.p95();
    let lag = quantile(&tally.lag, 0.99);
    [
        goal(
            "p95 of the cached routes",
            "< 200 ms",
            millis(p95),
            p95 < Duration::from_millis(200),
            true,
        ),
        goal(
            "p99 of how late requests were begun",
            "<= 20 ms",
            millis(lag),
            lag <= MOST_LAG,
            true,
        ),
        goal(
            "writes left out, as every car waited for an answer",
            "none",
            tally.left_out.to_string(),
            tally.left_out == 0,
            true,
        ),
    ]
}

fn goal(
    what: &'static str,
    wanted: &'static str,
    measured: String,
    met: bool,
    binds: bool,
) -> Goal {
    Goal {
        what,
        wanted,
        measured,
        met,
        binds,
    }
}

impl Side {
    /// # Errors
    ///
    /// Never; the histograms have one precision.
    pub(crate) fn new(outcome: Outcome) -> Result<Self, hdrhistogram::CreationError> {
        Ok(Self {
            cached: outcome.tally.cached()?,
            outcome,
        })
    }

    /// What was too slow, if that is all: a machine that was busy may be the reason, which it never is of a wrong
    /// answer.
    pub(crate) fn only_slow(&self) -> Option<String> {
        let tally = &self.outcome.tally;
        if tally.wrong > 0 || tally.failures > 0 {
            return None;
        }
        let missed: Vec<String> = pace(self)
            .iter()
            .filter(|goal| goal.fails())
            .map(|goal| format!("{}: {}", goal.what, goal.measured))
            .collect();
        (!missed.is_empty()).then(|| missed.join(", "))
    }

    fn p95(&self) -> Duration {
        quantile(&self.cached.since_due, 0.95)
    }

    fn mean(&self) -> f64 {
        self.cached.since_due.mean()
    }

    fn mean_at_server(&self) -> f64 {
        let gauge = &self.outcome.gauge;
        gauge.cached_seconds / gauge.cached_answers.max(1.0)
    }

    fn queries_per_request(&self) -> f64 {
        let requests = self.outcome.tally.lag.len();
        self.outcome.gauge.queries / requests.max(1) as f64
    }

    fn processor(&self) -> f64 {
        self.outcome.gauge.processor.as_secs_f64() / self.outcome.elapsed.as_secs_f64()
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.head)?;
        writeln!(f, "| goal | wanted | measured | |\n|---|---|---|---|")?;
        for goal in &self.goals {
            let Goal {
                what,
                wanted,
                measured,
                met,
                ..
            } = goal;
            let met = if *met { "met" } else { "missed" };
            writeln!(f, "| {what} | {wanted} | {measured} | {met} |")?;
        }
        writeln!(
            f,
            "\n| by request, with the features on | answers | hits | refused | p50 | p95 | p99 | longest |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        kinds(f, &self.on)?;
        writeln!(
            f,
            "\n| with the features off | answers | hits | refused | p50 | p95 | p99 | longest |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        kinds(f, &self.off)?;
        writeln!(f, "\n| | features on | features off |\n|---|---|---|")?;
        let both = |f: &mut Formatter<'_>, what: &str, of: &dyn Fn(&Side) -> String| {
            writeln!(f, "| {what} | {} | {} |", of(&self.on), of(&self.off))
        };
        both(f, "measured for", &|side| {
            format!("{:.1} s", side.outcome.elapsed.as_secs_f64())
        })?;
        both(f, "cached routes: mean from when they were due", &|side| {
            millis(micros(side.mean()))
        })?;
        both(f, "the same from when they were sent", &|side| {
            millis(micros(side.cached.since_sent.mean()))
        })?;
        both(f, "the same by the clock of the server", &|side| {
            millis(Duration::from_secs_f64(side.mean_at_server()))
        })?;
        both(f, "queries, and of each request", &|side| {
            let queries = side.outcome.gauge.queries;
            format!("{queries}, {:.3}", side.queries_per_request())
        })?;
        both(f, "processor time of the server, of one core", &|side| {
            percent(side.processor())
        })?;
        both(f, "most memory of the server", &|side| {
            format!("{} MiB", side.outcome.gauge.peak_memory >> 20)
        })?;
        both(f, "answers of 500 or more, or none", &|side| {
            side.outcome.tally.failures.to_string()
        })?;
        both(f, "wrong answers", &|side| {
            side.outcome.tally.wrong.to_string()
        })?;
        both(
            f,
            "writes left out, as every car waited for an answer",
            &|side| side.outcome.tally.left_out.to_string(),
        )?;
        both(f, "begun late: p50, p99", &|side| {
            let lag = |share| millis(quantile(&side.outcome.tally.lag, share));
            format!("{}, {}", lag(0.5), lag(0.99))
        })
    }
}

fn kinds(f: &mut Formatter<'_>, side: &Side) -> fmt::Result {
    for kind in Kind::ALL {
        row(f, kind.name(), side.outcome.tally.of(kind))?;
    }
    row(f, "the first four, whose answers are kept", &side.cached)
}

fn row(f: &mut Formatter<'_>, name: &str, of_kind: &OfKind) -> fmt::Result {
    let times = &of_kind.since_due;
    write!(
        f,
        "| {name} | {} | {} | {} |",
        times.len(),
        percent(of_kind.hit_rate()),
        of_kind.refused
    )?;
    for share in [0.5, 0.95, 0.99, 1.0] {
        write!(f, " {} |", millis(quantile(times, share)))?;
    }
    writeln!(f)
}

fn quantile(times: &Histogram<u64>, share: f64) -> Duration {
    Duration::from_micros(times.value_at_quantile(share))
}

fn micros(micros: f64) -> Duration {
    Duration::from_secs_f64(micros / 1e6)
}

/// Which share of what it was with the features off it is less.
fn saved(on: f64, off: f64) -> f64 {
    if off > 0.0 { 1.0 - on / off } else { 0.0 }
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
