use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(3);

const READY: &str = "HTTP/1.1 200 ";

/// Why a server does not count as healthy.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Unhealthy {
    /// Nobody answers there.
    #[error("no answer from {address}")]
    NoAnswer {
        /// Where a server was expected.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// It answers that it cannot do its work.
    #[error("the server at {address} is not ready")]
    NotReady {
        /// Where the server is.
        address: SocketAddr,
    },
}

/// Asks the server that listens on the address whether it is ready, for containers that have no other program to ask.
///
/// # Errors
///
/// If it says no, or nothing for three seconds.
pub async fn healthcheck(listen_addr: SocketAddr) -> Result<(), Unhealthy> {
    let address = reachable(listen_addr);
    let answer = timeout(PATIENCE, ask(address)).await;
    match answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(start) if start == *READY.as_bytes() => Ok(()),
        Ok(_) => Err(Unhealthy::NotReady { address }),
        Err(source) => Err(Unhealthy::NoAnswer { address, source }),
    }
}

/// The start of the answer, which says enough.
async fn ask(address: SocketAddr) -> io::Result<[u8; READY.len()]> {
    let mut connection = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut start = [0; READY.len()];
    connection.read_exact(&mut start).await?;
    Ok(start)
}

/// A server that listens on every address is reached on this machine by the loopback one.
pub(super) fn reachable(listening: SocketAddr) -> SocketAddr {
    if listening.ip().is_unspecified() {
        SocketAddr::from((Ipv4Addr::LOCALHOST, listening.port()))
    } else {
        listening
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_an_address_that_can_be_reached() {
        for (listening, expected) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "127.0.0.1:8080"),
            ("[::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(reachable(listening.parse().unwrap()).to_string(), expected);
        }
    }
}
