//! Starts the server, says how to try it, and stops it when it is told to.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use exodrive_example_server::config::{Command, Config, ConfigErrorKind};
use exodrive_example_server::{logging, server};

/// A value is set wrongly.
const WRONG_CONFIGURATION: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let config = match Config::read(env::args_os()) {
        Ok(config) => config,
        Err(asked) if asked.kind() == ConfigErrorKind::Asked => {
            let _ = write!(io::stdout(), "{asked}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            complain(&wrong);
            return ExitCode::from(WRONG_CONFIGURATION);
        }
    };
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> Result<(), Box<dyn Error>> {
    if config.command == Some(Command::Healthcheck) {
        return Ok(server::healthcheck(config.listen_addr).await?);
    }
    logging::start(&config)?;
    // Before anything takes time, so that a signal during the start stops the server in an orderly way, too.
    let told = server::stop_signal()?;
    let server = server::start(config).await?;
    let welcome = server.welcome().await?;
    // Nobody may be reading; the server serves all the same.
    let _ = writeln!(io::stdout(), "{welcome}");
    server.until(told).await;
    Ok(())
}

fn complain(error: &(dyn Error + 'static)) {
    let line = logging::one_line(error);
    // There is no better place to complain about standard error than the exit code.
    let _ = writeln!(io::stderr(), "exodrive-example-server: {line}");
}
