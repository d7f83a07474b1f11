//! What the benchmarks share: cases that run in turns, and a table of how they compare.
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
        self.case(name, move || {
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
        })
    }

    /// Adds a goal to the case added last.
    pub fn goal(mut self, goal: Goal) -> Self {
        if let Some(case) = self.cases.last_mut() {
            case.goals.push(goal);
        }
        self
    }

    /// Runs the cases and prints the table, unless the command line asks for groups of another name.
    pub fn run(mut self) {
        let mut names = std::env::args()
            .skip(1)
            .filter(|argument| !argument.starts_with('-'));
        if names.next().is_some_and(|name| !self.name.contains(&name)) {
            return;
        }
        let times: Vec<u64> = self.cases.iter_mut().map(Case::warm_up).collect();
        let cases = self.cases.iter_mut().zip(&times);
        let allocations: Vec<u64> = cases
            .map(|(case, times)| case.allocations(COUNTED.min(*times)))
            .collect();
        let mut rounds = Rounds(vec![Vec::with_capacity(ROUNDS); self.cases.len()]);
        for round in 0..ROUNDS {
            for turn in 0..self.cases.len() {
                let index = (round + turn) % self.cases.len();
                rounds.0[index].push(self.cases[index].nanoseconds(times[index]));
            }
        }
        let table = self.table(&rounds, &allocations);
        // Nobody may be reading; there is nothing else to do about it.
        let _ = write!(std::io::stdout(), "{table}");
    }

    fn with(mut self, name: &'static str, work: impl FnMut(u64) + 'static) -> Self {
        let work = Box::new(work);
        let goals = Vec::new();
        self.cases.push(Case { name, goals, work });
        self
    }

    fn table(&self, rounds: &Rounds, allocations: &[u64]) -> String {
        let mut table = format!("\n## {}\n\n", self.name);
        table.push_str("| case | time | ratio | allocations | goal |\n|---|---:|---:|---:|---|\n");
        for (index, case) in self.cases.iter().enumerate() {
            let outcomes = case.goals.iter();
            let outcomes: Vec<String> = outcomes
                .map(|goal| self.outcome(*goal, rounds, index))
                .collect();
            // Writing to a `String` cannot fail.
            let _ = writeln!(
                table,
                "| {} | {:.0} ns | {:.2} | {} | {} |",
                case.name,
                rounds.time(index),
                rounds.ratio(index, 0),
                allocations[index],
                outcomes.join("; "),
            );
        }
        table
    }

    /// What the goal was, whether it is met, and what was measured.
    fn outcome(&self, Goal { most, of }: Goal, rounds: &Rounds, index: usize) -> String {
        // A peer may not be compiled in.
        let other = self.cases.iter().position(|case| case.name == of);
        let measured = other.map(|other| match most {
            Most::Ratio(most) => {
                let ratio = rounds.ratio(index, other);
                (ratio <= most, format!("{ratio:.2}"))
            }
            Most::Added(most) => {
                let added = rounds.added(index, other);
                (added <= most.as_nanos() as f64, format!("{added:.0} ns"))
            }
        });
        let goal = match most {
            Most::Ratio(most) => format!("<= {most:.2} x {of}"),
            Most::Added(most) => format!("<= {} ns + {of}", most.as_nanos()),
        };
        match measured {
            Some((true, measured)) => format!("{goal}: met ({measured})"),
            Some((false, measured)) => format!("{goal}: missed ({measured})"),
            None => format!("{goal}: not measured"),
        }
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
    fn allocations(&mut self, times: u64) -> u64 {
        let counted = allocation_counter::measure(|| (self.work)(times));
        counted.count_total / times
    }

    /// How long one operation takes, on average over a turn.
    fn nanoseconds(&mut self, times: u64) -> f64 {
        let start = Instant::now();
        (self.work)(times);
        start.elapsed().as_nanos() as f64 / times as f64
    }
}

/// The time of an operation, in nanoseconds, for each case and round.
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
    fn says_whether_a_goal_is_met() {
        let group = Group::new("group")
            .case("first", || ())
            .case("second", || ())
            .goal(Goal::ratio(1.2, "first"))
            .case("third", || ())
            .goal(Goal::added(Duration::from_nanos(60), "first"))
            .case("fourth", || ())
            .goal(Goal::ratio(1.0, "a peer"));
        let rounds = Rounds(vec![vec![100.0], vec![150.0], vec![150.0], vec![150.0]]);
        let table = group.table(&rounds, &[0, 1, 2, 3]);
        for row in [
            "| first | 100 ns | 1.00 | 0 |  |",
            "| second | 150 ns | 1.50 | 1 | <= 1.20 x first: missed (1.50) |",
            "| third | 150 ns | 1.50 | 2 | <= 60 ns + first: met (50 ns) |",
            "| fourth | 150 ns | 1.50 | 3 | <= 1.00 x a peer: not measured |",
        ] {
            assert!(table.contains(row), "{table}");
        }
    }

    #[test]
    fn counts_the_allocations_of_one_operation() {
        let mut group = Group::new("group")
            .case("boxes", || Box::new(1))
            .future("awaits", async || Box::new([1, 2]));
        assert_eq!(group.cases[0].allocations(COUNTED), 1);
        assert_eq!(group.cases[1].allocations(COUNTED), 1);
    }
}
