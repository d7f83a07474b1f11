//! What can be wrong with settings.

use std::fmt;

/// Everything that is wrong with the settings of a [`RedisClient`](crate::RedisClient).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    mistakes: Vec<Mistake>,
}

/// One thing that is wrong with the settings of a [`RedisClient`](crate::RedisClient).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Mistake {
    /// The URL is not one that can be connected to. It is not shown, as it may hold a password.
    #[error("the URL is neither redis://[user[:password]@]host[:port][/database] nor unix:///path")]
    Url,
    /// A file of certificate authorities is given, but the URL does not ask for TLS.
    #[cfg(feature = "tls-rustls")]
    #[error("a file of certificate authorities needs a rediss:// URL")]
    Authorities,
    /// A sentinel's URL is not one that can be connected to, there is no sentinel, or no URL that
    /// names the master.
    #[cfg(feature = "sentinel")]
    #[error("the sentinels are not given by at least one URL, each of them redis://host[:port]")]
    Sentinel,
    /// A URL is not that of a server of a cluster: it cannot be connected to, names a database, or
    /// is the name of a master that sentinels know.
    #[cfg(feature = "cluster")]
    #[error("the servers of the cluster are not given as redis://[user[:password]@]host[:port]")]
    Cluster,
    /// The deadline is zero.
    #[error("the deadline is zero")]
    Deadline,
    /// The time allowed for connecting is zero.
    #[error("the time allowed for connecting is zero")]
    ConnectTimeout,
    /// The number of calls allowed in flight is not between 1 and 1,000,000.
    #[error("the calls allowed in flight are not between 1 and 1,000,000")]
    InFlight,
    /// The number of connections is not between 1 and 64.
    #[error("the connections are not between 1 and 64")]
    Connections,
    /// There is no Tokio runtime to run the background tasks on.
    #[error("built outside a Tokio runtime")]
    Runtime,
}

impl BuildError {
    pub(crate) const fn new(mistakes: Vec<Mistake>) -> Self {
        Self { mistakes }
    }

    /// Returns the mistakes, at least one.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot build the Redis handle")?;
        let separators = [": "].into_iter().chain(std::iter::repeat("; "));
        self.mistakes
            .iter()
            .zip(separators)
            .try_for_each(|(mistake, separator)| write!(f, "{separator}{mistake}"))
    }
}

impl std::error::Error for BuildError {}
