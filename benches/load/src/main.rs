//! The load that the example server has to carry, and what it must not get wrong meanwhile.
//!
//! [`schedule`] says when each request is due, [`scenario`] which one it is, [`drive`] sends it then, and [`report`]
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
use tokio::runtime::Builder;

use self::drive::{Outcome, drive};
use self::options::{Command, Options};
use self::report::Report;
use self::server::Features;

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
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
        return runtime.block_on(server::serve()).map(|()| true);
    }
    // One thread is plenty for the load, and leaves the rest of the machine to the server.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let machine = machine::describe();
    let on = runtime.block_on(drive(options, Features::On))?;
    show_wrong("on", &on)?;
    let off = runtime.block_on(drive(options, Features::Off))?;
    show_wrong("off", &off)?;
    let report = Report::new(on, off)?;
    let mut output = io::stdout().lock();
    writeln!(output, "{machine}; {options}.\n\n{report}")?;
    Ok(report.passes())
}

fn show_wrong(features: &str, outcome: &Outcome) -> io::Result<()> {
    for wrong in &outcome.tally.shown {
        writeln!(io::stderr(), "features {features}: {wrong}")?;
    }
    Ok(())
}
