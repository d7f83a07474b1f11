//! Opening a socket.

use std::io;

use redis::ConnectionAddr;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::net::UnixStream;

#[cfg(feature = "tls-rustls")]
use crate::tls::Tls;

/// Bytes there and back, whatever carries them.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// How to reach servers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transport {
    #[cfg(feature = "tls-rustls")]
    pub(crate) tls: Option<Tls>,
}

impl Transport {
    /// Opens a socket to the server at `address`.
    pub(crate) async fn open(&self, address: &ConnectionAddr) -> io::Result<Box<dyn Socket>> {
        match address {
            ConnectionAddr::Tcp(host, port) => {
                let socket = TcpStream::connect((host.as_str(), *port)).await?;
                // A small command must not wait for the acknowledgement of the one before it.
                socket.set_nodelay(true)?;
                #[cfg(feature = "tls-rustls")]
                if let Some(tls) = &self.tls {
                    return Ok(Box::new(tls.wrap(host, socket).await?));
                }
                Ok(Box::new(socket))
            }
            ConnectionAddr::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}
