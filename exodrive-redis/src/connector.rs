//! Making one connection.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use redis::AsyncConnectionConfig;
use redis::ConnectionAddr;
use redis::ConnectionInfo;
use redis::ProtocolVersion;
use redis::RedisConnectionInfo;
use redis::aio::MultiplexedConnection;
use tokio::time::timeout;

#[cfg(feature = "bb8")]
use crate::bb8::Lender;
use crate::coalesce::Coalesce;
use crate::error::Error;
use crate::link::Link;
#[cfg(feature = "sentinel")]
use crate::sentinel::Sentinels;
use crate::socket::Transport;

/// Where to connect and how.
pub(crate) struct Connector {
    pub(crate) source: Source,
    pub(crate) timeout: Duration,
    /// How many commands may wait to be written.
    pub(crate) buffer: usize,
    /// Whether the server is one of a cluster, and has to know the others.
    pub(crate) clustered: bool,
    /// How many connections have taken up calls, to this server or to any of its cluster.
    pub(crate) made: Arc<AtomicU64>,
}

/// Where connections come from.
pub(crate) enum Source {
    Server(Server),
    /// The server of that login, wherever the sentinels say it is.
    #[cfg(feature = "sentinel")]
    Master(Server, Sentinels),
    #[cfg(feature = "bb8")]
    Pool(Lender),
}

/// One server, and how to be let in.
#[derive(Clone)]
pub(crate) struct Server {
    address: ConnectionAddr,
    login: RedisConnectionInfo,
    transport: Transport,
}

impl Connector {
    /// Makes a connection: address, TCP, TLS, greeting and login.
    pub(crate) async fn connect(&self) -> Result<Link, Error> {
        timeout(self.timeout, self.source.connect(self.buffer))
            .await
            .unwrap_or_else(|_| Err(Error::timed_out(self.timeout)))
    }

    /// One that is never used.
    #[cfg(test)]
    pub(crate) fn nowhere() -> Self {
        use redis::IntoConnectionInfo;

        let server = "redis://localhost".into_connection_info().unwrap();
        Self {
            source: Source::Server(Server::new(&server, Transport::default())),
            timeout: Duration::ZERO,
            buffer: 1,
            clustered: false,
            made: Arc::default(),
        }
    }
}

impl Source {
    /// Returns what to call it in logs, without credentials.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Server(server) => server.address.to_string(),
            #[cfg(feature = "sentinel")]
            Self::Master(_, sentinels) => sentinels.master.clone(),
            #[cfg(feature = "bb8")]
            Self::Pool(_) => "bb8 pool".to_owned(),
        }
    }

    async fn connect(&self, buffer: usize) -> Result<Link, Error> {
        match self {
            Self::Server(server) => server.connect(buffer).await,
            #[cfg(feature = "sentinel")]
            Self::Master(server, sentinels) => {
                let server = server.at(sentinels.locate().await?);
                server.connect(buffer).await
            }
            #[cfg(feature = "bb8")]
            Self::Pool(lender) => lender.connect().await,
        }
    }
}

impl Server {
    pub(crate) fn new(server: &ConnectionInfo, transport: Transport) -> Self {
        Self {
            address: server.addr().clone(),
            // RESP3 tells truth values and floating point numbers from text.
            login: server
                .redis_settings()
                .clone()
                .set_protocol(ProtocolVersion::RESP3),
            transport,
        }
    }

    /// Returns another server that lets the same login in.
    #[cfg(any(feature = "cluster", feature = "sentinel"))]
    pub(crate) fn at(&self, address: ConnectionAddr) -> Self {
        Self {
            address,
            ..self.clone()
        }
    }

    /// Returns the host, if it is on one.
    #[cfg(feature = "cluster")]
    pub(crate) fn host(&self) -> &str {
        match &self.address {
            ConnectionAddr::Tcp(host, _) => host,
            _ => "",
        }
    }

    pub(crate) async fn connect(&self, buffer: usize) -> Result<Link, Error> {
        let socket = self.transport.open(&self.address).await;
        let socket = Coalesce::new(socket.map_err(|error| Error::socket(&error))?);
        let config = AsyncConnectionConfig::new()
            // Both times are kept by the callers, who have one deadline for all they do.
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(buffer);
        let greeting = MultiplexedConnection::new_with_config(&self.login, socket, config);
        let (connection, driver) = greeting.await.map_err(|error| Error::transport(&error))?;
        Ok(Link::new(connection, driver))
    }
}
