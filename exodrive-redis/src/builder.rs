//! The only place that configures.

use std::fmt;
#[cfg(feature = "tls-rustls")]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "sentinel")]
use redis::ConnectionAddr;
use redis::ConnectionInfo;
use redis::IntoConnectionInfo;
use tokio::runtime::Handle;

#[cfg(feature = "bb8")]
use crate::bb8::Lender;
use crate::build_error::BuildError;
use crate::build_error::Mistake;
use crate::client::RedisClient;
#[cfg(feature = "cluster")]
use crate::cluster::Cluster;
use crate::connector::Connector;
use crate::connector::Server;
use crate::connector::Source;
use crate::node::Node;
#[cfg(feature = "sentinel")]
use crate::sentinel::Sentinels;
use crate::servers::Servers;
use crate::shared::Settings;
use crate::socket::Transport;
#[cfg(feature = "tls-rustls")]
use crate::tls::Tls;

/// Settings of a [`RedisClient`], from [`RedisClient::builder`].
#[must_use]
pub struct RedisClientBuilder {
    url: Url,
    #[cfg(feature = "tls-rustls")]
    authorities: Option<PathBuf>,
    #[cfg(feature = "sentinel")]
    sentinels: Option<Vec<Url>>,
    #[cfg(feature = "cluster")]
    cluster: Option<Vec<Url>>,
    deadline: Duration,
    connect_timeout: Duration,
    in_flight: usize,
    connections: usize,
}

/// A URL taken apart, or what stands in for it.
enum Url {
    Plain(ConnectionInfo),
    #[cfg(feature = "bb8")]
    Pool(Lender),
    #[cfg(feature = "tls-rustls")]
    Tls(ConnectionInfo),
    Wrong,
}

impl RedisClientBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self::from_url(Url::parse(url))
    }

    #[cfg(feature = "bb8")]
    pub(crate) const fn over(pool: Lender) -> Self {
        Self::from_url(Url::Pool(pool))
    }

    const fn from_url(url: Url) -> Self {
        Self {
            url,
            #[cfg(feature = "tls-rustls")]
            authorities: None,
            #[cfg(feature = "sentinel")]
            sentinels: None,
            #[cfg(feature = "cluster")]
            cluster: None,
            deadline: Duration::from_millis(50),
            connect_timeout: Duration::from_millis(250),
            in_flight: 1_024,
            connections: 2,
        }
    }

    /// Sets how long a call takes at most, from its begin to its reply.
    ///
    /// Defaults to 50 ms. It also bounds the probe, so a server slower than this stays degraded.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Sets how long an attempt to connect takes at most: TCP, greeting and login together.
    ///
    /// Defaults to 250 ms. Attempts are made in the background; no call waits for one.
    pub fn connect_timeout(self, connect_timeout: Duration) -> Self {
        Self {
            connect_timeout,
            ..self
        }
    }

    /// Sets how many calls may be in flight, from 1 to 1,000,000; one more fails at once.
    ///
    /// Defaults to 1,024.
    pub fn in_flight(self, in_flight: usize) -> Self {
        Self { in_flight, ..self }
    }

    /// Sets how many connections are kept, from 1 to 64; calls take them in turn.
    ///
    /// Defaults to 2: with one, a reply waits for all the replies before it, and its loss leaves none;
    /// with more, fewer commands travel together.
    pub fn connections(self, connections: usize) -> Self {
        Self {
            connections,
            ..self
        }
    }

    /// Trusts the certificate authorities in a PEM file instead of those of the operating system.
    ///
    /// It is read again for each connection, so an authority can be renewed without a restart. The
    /// scheme of the URL is then `rediss`.
    #[cfg(feature = "tls-rustls")]
    pub fn certificate_authorities(self, file: impl Into<PathBuf>) -> Self {
        Self {
            authorities: Some(file.into()),
            ..self
        }
    }

    /// Finds the server through these sentinels, given by URL.
    ///
    /// The host in the URL of the builder is then the name by which they know the master; its
    /// login, database and scheme are those of the master. It is looked up anew for each connection.
    #[cfg(feature = "sentinel")]
    pub fn sentinels(self, urls: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let urls = urls.into_iter().map(|url| Url::parse(url.as_ref()));
        Self {
            sentinels: Some(urls.collect()),
            ..self
        }
    }

    /// Treats the server as one of a Redis Cluster, of which these are others, given by URL.
    ///
    /// Any of them that answers tells which servers there are, at first and whenever that may have
    /// changed; one is enough while it is there. The login and the scheme in the URL of the builder
    /// are those of all servers. Every server gets connections, a breaker and a cap on calls in
    /// flight of its own, with the settings of this builder.
    #[cfg(feature = "cluster")]
    pub fn cluster(self, others: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let others = others.into_iter().map(|url| Url::parse(url.as_ref()));
        Self {
            cluster: Some(others.collect()),
            ..self
        }
    }

    /// Builds the handle and starts to connect, without waiting for the server.
    ///
    /// # Errors
    ///
    /// With every [`Mistake`] in the settings.
    pub fn build(self) -> Result<RedisClient, BuildError> {
        let source = self.source();
        let runtime = Handle::try_current().ok();
        let checks = [
            (source.is_some(), Mistake::Url),
            #[cfg(feature = "tls-rustls")]
            (self.trusts_for_a_reason(), Mistake::Authorities),
            #[cfg(feature = "sentinel")]
            (self.knows_the_master(), Mistake::Sentinel),
            #[cfg(feature = "cluster")]
            (self.knows_the_cluster(), Mistake::Cluster),
            (!self.deadline.is_zero(), Mistake::Deadline),
            (!self.connect_timeout.is_zero(), Mistake::ConnectTimeout),
            ((1..=1_000_000).contains(&self.in_flight), Mistake::InFlight),
            ((1..=64).contains(&self.connections), Mistake::Connections),
            (runtime.is_some(), Mistake::Runtime),
        ];
        let mistakes: Vec<_> = checks
            .into_iter()
            .filter_map(|(right, mistake)| (!right).then_some(mistake))
            .collect();
        let (Some(source), Some(runtime), []) = (source, runtime, mistakes.as_slice()) else {
            return Err(BuildError::new(mistakes));
        };
        let settings = Settings {
            server: source.name(),
            deadline: self.deadline,
            in_flight: self.in_flight,
            connections: self.connections,
        };
        #[cfg(feature = "cluster")]
        if let Some(seeds) = self.seeds() {
            let cluster = Cluster::start(seeds, settings, self.connect_timeout, &runtime);
            return Ok(RedisClient::new(Servers::Cluster(cluster), runtime));
        }
        let connector = Connector {
            source,
            timeout: self.connect_timeout,
            buffer: self.in_flight,
            clustered: false,
            made: Arc::default(),
        };
        let node = Node::start(settings, connector, &runtime);
        Ok(RedisClient::new(Servers::One(node), runtime))
    }

    #[cfg_attr(
        not(feature = "tls-rustls"),
        expect(clippy::unused_self, reason = "only TLS has settings")
    )]
    fn server(&self, url: &Url) -> Option<Server> {
        match url {
            Url::Plain(server) => Some(Server::new(server, Transport::default())),
            #[cfg(feature = "tls-rustls")]
            Url::Tls(server) => {
                let tls = Some(Tls {
                    authorities: self.authorities.clone(),
                });
                Some(Server::new(server, Transport { tls }))
            }
            #[cfg(feature = "bb8")]
            Url::Pool(_) => None,
            Url::Wrong => None,
        }
    }

    #[cfg(feature = "tls-rustls")]
    fn trusts_for_a_reason(&self) -> bool {
        self.authorities.is_none() || matches!(self.url, Url::Tls(_) | Url::Wrong)
    }

    #[cfg(feature = "sentinel")]
    fn knows_the_master(&self) -> bool {
        let Some(sentinels) = &self.sentinels else {
            return true;
        };
        let named = self.url.server().is_some() || matches!(self.url, Url::Wrong);
        let known = sentinels.iter().all(|url| self.server(url).is_some());
        named && known && !sentinels.is_empty()
    }

    #[cfg(feature = "cluster")]
    fn knows_the_cluster(&self) -> bool {
        let Some(others) = &self.cluster else {
            return true;
        };
        let server = |url: &Url| {
            let without_database = |server: &ConnectionInfo| server.redis_settings().db() == 0;
            matches!(url, Url::Wrong) || url.server().is_some_and(without_database)
        };
        #[cfg(feature = "sentinel")]
        let alone = self.sentinels.is_none();
        #[cfg(not(feature = "sentinel"))]
        let alone = true;
        let known = others.iter().all(|url| self.server(url).is_some());
        alone && known && others.iter().chain([&self.url]).all(server)
    }

    /// Returns the servers that can tell which servers there are.
    #[cfg(feature = "cluster")]
    fn seeds(&self) -> Option<Vec<Server>> {
        let others = self.cluster.as_ref()?.iter();
        let first = self.server(&self.url)?;
        let others = others.filter_map(Url::server);
        let others = others.map(|server| first.at(server.addr().clone()));
        Some([first.clone()].into_iter().chain(others).collect())
    }

    fn source(&self) -> Option<Source> {
        #[cfg(feature = "bb8")]
        if let Url::Pool(pool) = &self.url {
            return Some(Source::Pool(pool.clone()));
        }
        let server = self.server(&self.url)?;
        #[cfg(feature = "sentinel")]
        if let (Some(urls), Some(info)) = (&self.sentinels, self.url.server()) {
            let master = match info.addr() {
                ConnectionAddr::Tcp(name, _) => name.clone(),
                other => other.to_string(),
            };
            let servers = urls.iter().filter_map(|url| self.server(url)).collect();
            return Some(Source::Master(server, Sentinels { servers, master }));
        }
        Some(Source::Server(server))
    }
}

impl Url {
    fn parse(url: &str) -> Self {
        #[cfg(feature = "tls-rustls")]
        if let Some(rest) = url.strip_prefix("rediss://") {
            // The protocol crate knows a fragment that turns the check of certificates off.
            let plain = (!rest.contains('#')).then(|| format!("redis://{rest}"));
            let server = plain.and_then(|url| url.into_connection_info().ok());
            return server.map_or(Self::Wrong, Self::Tls);
        }
        url.into_connection_info().map_or(Self::Wrong, Self::Plain)
    }

    const fn server(&self) -> Option<&ConnectionInfo> {
        match self {
            Self::Plain(server) => Some(server),
            #[cfg(feature = "tls-rustls")]
            Self::Tls(server) => Some(server),
            #[cfg(feature = "bb8")]
            Self::Pool(_) => None,
            Self::Wrong => None,
        }
    }
}

impl fmt::Debug for RedisClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.url.server().map(|server| server.addr().to_string());
        f.debug_struct("RedisClientBuilder")
            .field("server", &server)
            .field("deadline", &self.deadline)
            .field("connect_timeout", &self.connect_timeout)
            .field("in_flight", &self.in_flight)
            .field("connections", &self.connections)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_every_mistake_at_once() {
        let error = RedisClient::builder("http://user:s3cret@host")
            .deadline(Duration::ZERO)
            .connect_timeout(Duration::ZERO)
            .in_flight(0)
            .connections(65)
            .build()
            .unwrap_err();
        let all = [
            Mistake::Url,
            Mistake::Deadline,
            Mistake::ConnectTimeout,
            Mistake::InFlight,
            Mistake::Connections,
            Mistake::Runtime,
        ];
        assert_eq!(error.mistakes(), all);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("deadline is zero; the time allowed"));
        assert!(!shown.contains("s3cret"));
    }

    #[test]
    fn needs_a_runtime() {
        let error = RedisClient::builder("redis://host").build().unwrap_err();
        assert_eq!(error.mistakes(), [Mistake::Runtime]);
    }

    #[test]
    #[cfg(not(feature = "tls-rustls"))]
    fn a_tls_url_is_a_mistake_and_not_a_plain_connection() {
        let error = RedisClient::builder("rediss://host").build().unwrap_err();
        assert!(error.mistakes().contains(&Mistake::Url));
    }

    #[test]
    #[cfg(feature = "tls-rustls")]
    fn certificates_are_checked_or_it_is_a_mistake() {
        let unchecked = RedisClient::builder("rediss://host/#insecure");
        let unused = RedisClient::builder("redis://host").certificate_authorities("ca.pem");
        let cases = [(unchecked, Mistake::Url), (unused, Mistake::Authorities)];
        for (builder, mistake) in cases {
            let error = builder.build().unwrap_err();
            assert_eq!(error.mistakes(), [mistake, Mistake::Runtime]);
        }
    }

    #[test]
    #[cfg(feature = "sentinel")]
    fn needs_a_sentinel_that_can_be_asked() {
        for urls in [vec![], vec!["redis://host", "http://host"]] {
            let builder = RedisClient::builder("redis://master").sentinels(urls);
            let error = builder.build().unwrap_err();
            assert_eq!(error.mistakes(), [Mistake::Sentinel, Mistake::Runtime]);
        }
    }

    #[test]
    #[cfg(feature = "cluster")]
    fn a_cluster_has_no_databases_and_servers_that_can_be_asked() {
        for (url, other) in [
            ("redis://host/1", "redis://host"),
            ("redis://host", "redis://host/1"),
            ("redis://host", "http://host"),
        ] {
            let error = RedisClient::builder(url).cluster([other]).build();
            let mistakes = error.unwrap_err().mistakes().to_vec();
            assert_eq!(
                mistakes,
                [Mistake::Cluster, Mistake::Runtime],
                "{url} {other}"
            );
        }
    }

    #[test]
    fn shows_the_server_without_its_password() {
        let builder = RedisClient::builder("redis://user:s3cret@host:7000/3");
        let shown = format!("{builder:?}");
        assert!(shown.contains("host:7000"));
        assert!(!shown.contains("s3cret"));
    }
}
