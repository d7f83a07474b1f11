//! What the benchmarks share: cases that run in turns, and a table of how they compare.
//!
//! All of them print one table, in which a row is a case beside another one of its group, and the goal if there is one:
//!
//! ```text
//! cargo bench -p exodrive-benches --features peers
//! ```
//!
//! without `--features peers` only what needs no peer. Words behind `--` choose: the first names a benchmark, as its file is
//! called, the second is part of the names of its groups:
//!
//! ```text
//! cargo bench -p exodrive-benches --features peers -- cache "two threads"
//! ```
//!
//! A time is that of one operation, or of one call where several callers call at once: its reciprocal is their throughput. A
//! goal of so many times the throughput therefore is one of as many parts of the time.
//!
//! A machine is never as fast in one minute as in the next, so the cases of a [`Group`] run interleaved, a few milliseconds
//! at a time, and each round starts with another one. What counts is the ratio of two cases within a round; the table shows
//! the median over all rounds. Nothing here fails when a goal is missed.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Enough for the median to settle; an odd number, so that there is a middle one.
const ROUNDS: usize = 101;
/// How long a case runs in a round. Shorter than the time slice of a scheduler, so that most turns are undisturbed.
const TURN: Duration = Duration::from_millis(2);
/// How long each case runs before anything counts.
const WARM_UP: Duration = Duration::from_millis(200);
/// How many operations the allocations are counted over, unless fewer fill a turn.
const COUNTED: u64 = 1_000;
/// How often each of the concurrent callers calls in one operation.
const CALLS: usize = 8;

/// What stands above all rows.
const HEADING: &str = "| group | case | time | allocations | beside | its time | ratio | goal | met |\n\
    |---|---|---:|---:|---|---:|---:|---|---|\n";

/// Runs the benchmarks that the command line asks for, or all of them.
pub fn run(benchmarks: &[(&str, fn())]) {
    print(HEADING);
    let asked = words().next();
    for (name, benchmark) in benchmarks {
        if asked.as_ref().is_none_or(|asked| asked == name) {
            benchmark();
        }
    }
}

/// Cases that do the same work in different ways; the first is what the others are compared with.
#[derive(Debug)]
#[must_use]
pub struct Group {
    name: &'static str,
    cases: Vec<Case>,
}

struct Case {
    name: &'static str,
    goals: Vec<Goal>,
    /// How many calls one operation is. Of more than one, made by tasks, the allocations cannot be counted from outside.
    calls: u64,
    /// Does the work so many times.
    work: Box<dyn FnMut(u64)>,
}

/// What a case should reach, beside another case of its group.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    most: Most,
    of: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Most {
    Ratio(f64),
    Added(Duration),
}

impl Goal {
    /// At most so many times as long as the case of this name.
    #[must_use]
    pub const fn ratio(most: f64, of: &'static str) -> Self {
        let most = Most::Ratio(most);
        Self { most, of }
    }

    /// At most so much longer than the case of this name.
    #[must_use]
    pub const fn added(most: Duration, of: &'static str) -> Self {
        let most = Most::Added(most);
        Self { most, of }
    }
}

impl Group {
    /// A group without cases.
    pub fn new(name: &'static str) -> Self {
        let cases = Vec::new();
        Self { name, cases }
    }

    /// Adds a case: one call is one operation.
    pub fn case<T>(self, name: &'static str, mut operation: impl FnMut() -> T + 'static) -> Self {
        self.with(name, move |times| {
            for _ in 0..times {
                black_box(operation());
            }
        })
    }

    /// Adds a case whose operations are futures, awaited one after the other on a runtime of this thread.
    ///
    /// # Panics
    ///
    /// If the operating system gives no runtime.
    pub fn future<F: Future>(
        self,
        name: &'static str,
        mut operation: impl FnMut() -> F + 'static,
    ) -> Self {
        let runtime = runtime();
        self.with(name, move |times| {
            runtime.block_on(async {
                for _ in 0..times {
                    black_box(operation().await);
                }
            });
        })
    }

    /// Adds a case in which so many callers call at the same time, a few times each; one operation is all of their calls.
    pub fn callers<F: Future<Output = ()> + Send>(
        self,
        name: &'static str,
        runtime: &Arc<Runtime>,
        callers: usize,
        call: impl Fn() -> F + Clone + Send + Sync + 'static,
    ) -> Self {
        let runtime = Arc::clone(runtime);
        let mut group = self.case(name, move || {
            let call = call.clone();
            runtime.block_on(async move {
                let mut tasks = JoinSet::new();
                for _ in 0..callers {
                    let call = call.clone();
                    tasks.spawn(async move {
                        for _ in 0..CALLS {
                            call().await;
                        }
                    });
                }
                tasks.join_all().await;
            });
        });
        if let Some(case) = group.cases.last_mut() {
            case.calls = (callers * CALLS) as u64;
        }
        group
    }

    /// Adds a goal to the case added last.
    pub fn goal(mut self, goal: Goal) -> Self {
        if let Some(case) = self.cases.last_mut() {
            case.goals.push(goal);
        }
        self
    }

    /// Runs the cases and prints their rows, unless the command line asks for groups of another name.
    pub fn run(mut self) {
        if words()
            .nth(1)
            .is_some_and(|name| !self.name.contains(&name))
        {
            return;
        }
        let times: Vec<u64> = self.cases.iter_mut().map(Case::warm_up).collect();
        let cases = self.cases.iter_mut().zip(&times);
        let allocations: Vec<Option<u64>> = cases
            .map(|(case, times)| case.allocations(COUNTED.min(*times)))
            .collect();
        let mut rounds = Rounds(vec![Vec::with_capacity(ROUNDS); self.cases.len()]);
        for round in 0..ROUNDS {
            for turn in 0..self.cases.len() {
                let index = (round + turn) % self.cases.len();
                rounds.0[index].push(self.cases[index].nanoseconds(times[index]));
            }
        }
        print(&self.rows(&rounds, &allocations));
    }

    fn with(mut self, name: &'static str, work: impl FnMut(u64) + 'static) -> Self {
        self.cases.push(Case {
            name,
            goals: Vec::new(),
            calls: 1,
            work: Box::new(work),
        });
        self
    }

    /// Each case beside the first one, and beside whatever it has a goal for.
    fn rows(&self, rounds: &Rounds, allocations: &[Option<u64>]) -> String {
        let mut rows = String::new();
        for (index, case) in self.cases.iter().enumerate() {
            let first = self.cases[0].name;
            let is_asked = index == 0 || case.goals.iter().any(|goal| goal.of == first);
            let unasked = (!is_asked).then_some((first, None));
            let asked = case.goals.iter().map(|goal| (goal.of, Some(goal.most)));
            for (of, most) in unasked.into_iter().chain(asked) {
                let allocations =
                    allocations[index].map_or(String::new(), |count| count.to_string());
                // Writing to a `String` cannot fail.
                let _ = writeln!(
                    rows,
                    "| {} | {} | {:.0} ns | {allocations} | {of} | {} |",
                    self.name,
                    case.name,
                    rounds.time(index),
                    self.beside(of, most, rounds, index),
                );
            }
        }
        rows
    }

    /// The time of the other case, the ratio, the goal, and whether it is met.
    fn beside(&self, of: &str, most: Option<Most>, rounds: &Rounds, index: usize) -> String {
        let goal = match most {
            None => String::new(),
            Some(Most::Ratio(most)) => format!("<= {most:.2}"),
            Some(Most::Added(most)) => format!("<= {} ns more", most.as_nanos()),
        };
        let Some(other) = self.cases.iter().position(|case| case.name == of) else {
            // A peer that is not compiled in.
            return format!(" |  | {goal} | not measured");
        };
        let (time, ratio) = (rounds.time(other), rounds.ratio(index, other));
        let yes_or_no = |met| if met { "yes" } else { "no" };
        let met = match most {
            None => String::new(),
            Some(Most::Ratio(most)) => yes_or_no(ratio <= most).to_owned(),
            Some(Most::Added(most)) => {
                let added = rounds.added(index, other);
                let met = yes_or_no(added <= most.as_nanos() as f64);
                format!("{met}, {added:.0} ns")
            }
        };
        format!("{time:.0} ns | {ratio:.2} | {goal} | {met}")
    }
}

impl Case {
    /// Runs until the processor and the caches know the work, and returns how many operations fill a turn.
    fn warm_up(&mut self) -> u64 {
        let start = Instant::now();
        let mut times = 1;
        let mut done = 0;
        while start.elapsed() < WARM_UP {
            (self.work)(times);
            done += times;
            // Larger and larger, since a real turn is one large piece of work as well.
            times = (done / 4).max(1);
        }
        let share = TURN.as_secs_f64() / start.elapsed().as_secs_f64();
        // As many as fit, and at least one, however long it takes.
        (done as f64 * share).max(1.0) as u64
    }

    /// Allocations of one operation, on average over so many.
    fn allocations(&mut self, times: u64) -> Option<u64> {
        let counted = allocation_counter::measure(|| (self.work)(times));
        (self.calls == 1).then(|| counted.count_total / times)
    }

    /// How long one operation or one of its calls takes, on average over a turn.
    fn nanoseconds(&mut self, times: u64) -> f64 {
        let start = Instant::now();
        (self.work)(times);
        start.elapsed().as_nanos() as f64 / (times * self.calls) as f64
    }
}

/// The time of an operation or a call, in nanoseconds, for each case and round.
struct Rounds(Vec<Vec<f64>>);

impl Rounds {
    fn time(&self, case: usize) -> f64 {
        median(self.0[case].iter().copied())
    }

    fn ratio(&self, case: usize, other: usize) -> f64 {
        let pairs = self.0[case].iter().zip(&self.0[other]);
        median(pairs.map(|(own, other)| own / other))
    }

    fn added(&self, case: usize, other: usize) -> f64 {
        let pairs = self.0[case].iter().zip(&self.0[other]);
        median(pairs.map(|(own, other)| own - other))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What the command line asks for; the options are for the harness that cargo expects.
fn words() -> impl Iterator<Item = String> {
    let arguments = std::env::args().skip(1);
    arguments.filter(|argument| !argument.starts_with('-'))
}

fn print(text: &str) {
    // Nobody may be reading; there is nothing else to do about it.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime of one thread needs next to nothing")
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("goals", &self.goals)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_within_rounds_and_not_across_them() {
        // The machine was ten times slower in the second and third round, and the cases kept their distance.
        let rounds = Rounds(vec![vec![10.0, 100.0, 100.0], vec![15.0, 150.0, 150.0]]);
        assert_eq!(rounds.ratio(1, 0), 1.5);
        assert_eq!(rounds.time(0), 100.0);
        assert_eq!(rounds.added(1, 0), 50.0);
    }

    #[test]
    fn a_row_says_whether_a_goal_is_met() {
        let group = Group::new("group")
            .case("first", || ())
            .case("second", || ())
            .goal(Goal::ratio(1.2, "first"))
            .case("third", || ())
            .goal(Goal::added(Duration::from_nanos(60), "first"))
            .case("fourth", || ())
            .goal(Goal::ratio(1.0, "a peer"));
        let rounds = Rounds(vec![vec![100.0], vec![150.0], vec![150.0], vec![150.0]]);
        let allocations = [Some(0), Some(1), Some(2), None];
        let rows = group.rows(&rounds, &allocations);
        let rows: Vec<&str> = rows.lines().collect();
        assert_eq!(
            rows,
            [
                "| group | second | 150 ns | 1 | first | 100 ns | 1.50 | <= 1.20 | no |",
                "| group | third | 150 ns | 2 | first | 100 ns | 1.50 | <= 60 ns more | yes, 50 ns |",
                "| group | fourth | 150 ns |  | first | 100 ns | 1.50 |  |  |",
                "| group | fourth | 150 ns |  | a peer |  |  | <= 1.00 | not measured |",
            ]
        );
    }

    #[test]
    fn counts_the_allocations_of_one_operation() {
        let mut group = Group::new("group")
            .case("boxes", || Box::new(1))
            .future("awaits", async || Box::new([1, 2]));
        assert_eq!(group.cases[0].allocations(COUNTED), Some(1));
        assert_eq!(group.cases[1].allocations(COUNTED), Some(1));
    }
}
