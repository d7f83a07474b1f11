use std::io;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Both listeners, whose requests are answered until this is dropped or stopped.
#[derive(Debug)]
pub(super) struct Serving {
    ended: JoinHandle<io::Result<()>>,
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
        let serve = |(listener, router): (TcpListener, Router)| {
            let mut told = told.clone();
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            let server = axum::serve(listener, service).with_graceful_shutdown(async move {
                // An error says that the other half was dropped.
                let _ = told.changed().await;
            });
            server.into_future()
        };
        let (api, operations) = (serve(api), serve(operations));
        let ended = tokio::spawn(async {
            tokio::try_join!(api, operations)?;
            Ok(())
        });
        Self {
            ended,
            shutdown,
            chores,
        }
    }

    /// Takes no new connection, and returns what waits until those that are there have ended.
    ///
    /// The chores end first: what they send to pages that follow them would otherwise keep those connections open.
    pub(super) fn stop(self) -> JoinHandle<io::Result<()>> {
        drop(self.chores);
        drop(self.shutdown);
        self.ended
    }
}
