use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::connection;

/// How long nothing is accepted after the system had no room for another connection.
const BREATH: Duration = Duration::from_secs(1);

/// Both listeners, whose requests are answered until this is dropped or stopped.
#[derive(Debug)]
pub(super) struct Serving {
    ended: JoinHandle<()>,
    /// Nothing is ever sent: the listeners close when this is dropped.
    shutdown: watch::Sender<()>,
    /// What goes on beside the requests, and ends when this is dropped.
    chores: JoinSet<()>,
}

impl Serving {
    pub(super) fn start(
        api: (TcpListener, Router),
        operations: (TcpListener, Router),
        chores: JoinSet<()>,
    ) -> Self {
        let (shutdown, told) = watch::channel(());
        let (api, operations) = (serve(api, told.clone()), serve(operations, told));
        let ended = tokio::spawn(async {
            tokio::join!(api, operations);
        });
        Self {
            ended,
            shutdown,
            chores,
        }
    }

    /// Takes no new connection, and returns what waits until those that are there have ended. Aborted, it cuts them off.
    ///
    /// The chores end first: what they send to pages that follow them would otherwise keep those connections open.
    pub(super) fn stop(self) -> JoinHandle<()> {
        drop(self.chores);
        drop(self.shutdown);
        self.ended
    }
}

/// Accepts connections until it is told to stop, then waits for those that are there.
async fn serve((listener, router): (TcpListener, Router), mut told: watch::Receiver<()>) {
    let router = router.with_state(());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            (stream, peer) = accept(&listener) => {
                connections.spawn(connection::serve(stream, peer, router.clone(), told.clone()));
            }
            // An error says that the other half was dropped.
            _ = told.changed() => break,
            // How one ended concerns nobody but its client.
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                sleep(BREATH).await;
            }
        }
    }
}

/// Whether the client went away before it was accepted.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
    )
}
