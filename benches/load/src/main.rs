//! The load that the example server has to carry, and what it must not get wrong meanwhile.
//!
//! [`schedule`] says when each request is due, [`scenario`] which one it is, [`mod@drive`] sends it then, and [`report`]
//! compares what came of all of them with the goals.

mod answer;
mod calendar;
mod client;
mod drive;
mod fleet;
mod gauge;
mod kind;
mod ledger;
mod machine;
mod options;
mod popularity;
mod report;
mod scenario;
mod schedule;
mod server;
mod stores;
mod tally;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use exodrive_example_server::logging;
use exodrive_example_server::server::stop_signal;
use tokio::runtime::Builder;

use self::drive::drive;
use self::options::{Command, Options};
use self::report::{Report, Side};
use self::server::Features;

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let error = logging::one_line(error.as_ref());
            // There is no better place to complain about standard error than the exit code.
            let _ = writeln!(io::stderr(), "exodrive-load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether the load was carried as it should be.
fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    if let Some(Command::Serve) = options.command {
        // As the server's own program runs it.
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(server::serve());
        // A thread may be reading the standard input, and the load waits for the output of this to end.
        runtime.shutdown_background();
        return served.map(|()| true);
    }
    // One thread is plenty for the load, and leaves the rest of the machine to the server.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let told = stop_signal()?;
        // Whatever was started ends as what is dropped here does.
        tokio::select! {
            report = measure(options) => report,
            signal = told => Err(format!("stopped by {signal}").into()),
        }
    })?;
    writeln!(io::stdout(), "{report}")?;
    Ok(report.passes())
}

/// Measures both servers and returns the report.
async fn measure(options: &Options) -> Result<Report, Box<dyn Error>> {
    let machine = machine::describe();
    let mut on = one(options, Features::On).await?;
    let mut notes = format!("{machine}; {options}.");
    if let Some(slow) = on.only_slow() {
        let load = machine::load_average().unwrap_or_default();
        let note = format!(
            "Nothing was wrong at first, but too slow ({slow}), with a load average of {load} at its end, so it was measured once more."
        );
        writeln!(io::stderr(), "{note}")?;
        notes = format!("{notes}\n{note}");
        on = one(options, Features::On).await?;
    }
    let off = one(options, Features::Off).await?;
    Ok(Report::new(notes, on, off))
}

/// Measures one server, and shows the first of its wrong answers.
async fn one(options: &Options, features: Features) -> Result<Side, Box<dyn Error>> {
    let outcome = drive(options, features).await?;
    for wrong in &outcome.tally.shown {
        writeln!(io::stderr(), "features {features:?}: {wrong}")?;
    }
    Ok(Side::new(outcome)?)
}
