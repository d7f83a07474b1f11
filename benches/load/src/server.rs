//! The example server in a process of its own, so that what it costs can be told from what the load costs.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::pin::pin;
use std::process::Stdio;

use exodrive_example_server::config::Config;
use exodrive_example_server::{logging, server};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::stores::Stores;

/// Whether the crates of the family do anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Features {
    On,
    Off,
}

/// A running server. It ends when this is dropped, or when this process ends.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) process: u32,
    child: Child,
    /// After the server that uses them.
    _stores: Option<Stores>,
}

impl Server {
    /// Starts it on these stores; without, it keeps all in memory and in a SQLite file.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub(crate) async fn start(
        features: Features,
        customers: u32,
        stores: Option<Stores>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(env::current_exe()?)
            .arg("serve")
            // What somebody set for a server of their own is not for this one.
            .env_clear()
            .envs(env::var_os("TMPDIR").map(|folder| ("TMPDIR", folder)))
            .envs(stores.iter().flat_map(Stores::environment))
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("TRUSTED_PROXIES", "127.0.0.0/8")
            .env("CUSTOMERS", customers.to_string())
            .env("RUST_LOG", "error")
            .envs(
                [
                    "ENABLE_REDIS_CACHE",
                    "ENABLE_NEW_ERROR_HANDLER",
                    "ENABLE_RATE_LIMITING",
                ]
                .map(|name| (name, (features == Features::On).to_string())),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Out of reach of the terminal's Ctrl-C, or it could not tidy up.
            .process_group(0)
            .spawn()?;
        let process = child.id().unwrap_or_default();
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line).await?;
        }
        let address = line
            .trim()
            .parse()
            .map_err(|_| "the server did not start")?;
        Ok(Self {
            address,
            process,
            child,
            _stores: stores,
        })
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    ///
    /// If it ended otherwise than in order.
    pub(crate) async fn stop(mut self) -> Result<(), Box<dyn Error>> {
        drop(self.child.stdin.take());
        let status = self.child.wait().await?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the server ended with {status}").into())
        }
    }
}

/// Is the server, as the environment says, until the standard input ends.
///
/// # Errors
///
/// If it does not start.
pub(crate) async fn serve() -> Result<(), Box<dyn Error>> {
    let config = Config::read(["serve"])?;
    logging::start(&config)?;
    let mut ended = pin!(async {
        // An error ends it as well.
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
        "the end of the load"
    });
    let server = tokio::select! {
        biased;
        // Then its stores end, too, and it would only complain of that.
        _ = &mut ended => return Ok(()),
        server = server::start(config) => server?,
    };
    writeln!(io::stdout(), "{}", server.address())?;
    server.until(ended).await;
    Ok(())
}
