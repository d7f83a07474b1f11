//! What an operator wants to know.

use std::time::SystemTime;

use crate::error::Error;

/// Whether calls go through: to a cluster, whether those for every key do.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The first attempt to connect is under way; calls fail at once.
    Starting,
    /// Calls go through.
    Connected,
    /// There is no connection, or the breaker is open; calls fail at once. In a cluster this is so
    /// for the keys of at least one server.
    Degraded,
}

/// How a [`RedisClient`](crate::RedisClient) is doing, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    status: Status,
    since: SystemTime,
    connections: usize,
    breaker_open: bool,
    last_error: Option<Error>,
}

impl Health {
    pub(crate) const fn starting(now: SystemTime) -> Self {
        Self {
            status: Status::Starting,
            since: now,
            connections: 0,
            breaker_open: false,
            last_error: None,
        }
    }

    /// The health after `connections` are live and the breaker is as it is, `error` being news.
    pub(crate) fn after(
        &self,
        connections: usize,
        breaker_open: bool,
        error: Option<&Error>,
        now: SystemTime,
    ) -> Self {
        let serves = connections > 0 && !breaker_open;
        self.becoming(serves, connections, breaker_open, error, now)
    }

    /// The health of a cluster after that of its servers, which have all slots or not.
    #[cfg(feature = "cluster")]
    pub(crate) fn after_all(
        &self,
        servers: &[Self],
        complete: bool,
        error: Option<&Error>,
        now: SystemTime,
    ) -> Self {
        let serves = complete && servers.iter().all(Self::is_connected);
        let degraded = servers
            .iter()
            .find(|server| server.status == Status::Degraded);
        let reason = degraded.and_then(Self::last_error);
        let uncovered = Error::uncovered();
        let missing = (!complete && !servers.is_empty()).then_some(&uncovered);
        let connections = servers.iter().map(|server| server.connections).sum();
        let breaker_open = servers.iter().any(|server| server.breaker_open);
        let error = error.or(reason).or(missing);
        self.becoming(serves, connections, breaker_open, error, now)
    }

    fn becoming(
        &self,
        serves: bool,
        connections: usize,
        breaker_open: bool,
        error: Option<&Error>,
        now: SystemTime,
    ) -> Self {
        let status = if serves {
            Status::Connected
        } else if self.status == Status::Starting && error.is_none() {
            Status::Starting
        } else {
            Status::Degraded
        };
        Self {
            status,
            since: if status == self.status {
                self.since
            } else {
                now
            },
            connections,
            breaker_open,
            last_error: error.or(self.last_error.as_ref()).cloned(),
        }
    }

    /// Writes the line of the transition from `before`, if there is one.
    pub(crate) fn log_transition(&self, before: &Self, server: &str) {
        match (before.status, self.status) {
            (before, now) if before == now => {}
            (_, Status::Starting) => {}
            (Status::Starting, Status::Connected) => tracing::info!(server, "connected to Redis"),
            (_, Status::Connected) => {
                let degraded = self.since.duration_since(before.since).unwrap_or_default();
                tracing::info!(server, ?degraded, "connected to Redis again");
            }
            (_, Status::Degraded) => {
                let error = self.last_error.as_ref().map(tracing::field::display);
                tracing::warn!(server, error, "Redis is degraded: calls fail at once");
            }
        }
    }

    /// Returns whether calls go through, and if not, why not.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Returns whether calls go through.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.status == Status::Connected
    }

    /// Returns when the status became what it is.
    #[must_use]
    pub const fn since(&self) -> SystemTime {
        self.since
    }

    /// Returns how many connections are live; in a cluster, those to all servers that have keys.
    #[must_use]
    pub const fn connections(&self) -> usize {
        self.connections
    }

    /// Returns whether the breaker is open; in a cluster, that of any server that has keys.
    #[must_use]
    pub const fn is_breaker_open(&self) -> bool {
        self.breaker_open
    }

    /// Returns the last error that cost a connection, failed to make one or opened the breaker.
    ///
    /// It is kept after recovery.
    #[must_use]
    pub const fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const EARLY: SystemTime = SystemTime::UNIX_EPOCH;

    fn late() -> SystemTime {
        EARLY + Duration::from_secs(1)
    }

    #[test]
    fn is_starting_until_something_is_known() {
        let starting = Health::starting(EARLY);
        assert_eq!(starting.after(0, false, None, late()), starting);
        let failed = starting.after(0, false, Some(&Error::lost()), late());
        assert_eq!(
            (failed.status(), failed.since()),
            (Status::Degraded, late())
        );
        assert_eq!(
            starting.after(1, false, None, late()).status(),
            Status::Connected
        );
    }

    #[test]
    fn is_degraded_without_a_connection_or_with_an_open_breaker() {
        let connected = Health::starting(EARLY).after(2, false, None, EARLY);
        assert_eq!(
            connected.after(2, true, None, late()).status(),
            Status::Degraded
        );
        assert_eq!(
            connected.after(0, false, None, late()).status(),
            Status::Degraded
        );
        let one_left = connected.after(1, false, Some(&Error::lost()), late());
        assert_eq!(
            (one_left.status(), one_left.since()),
            (Status::Connected, EARLY)
        );
    }

    #[test]
    #[cfg(feature = "cluster")]
    fn a_cluster_is_connected_with_every_slot_and_every_server() {
        let starting = Health::starting(EARLY);
        let up = starting.after(2, false, None, EARLY);
        let lost = up.after(0, false, Some(&Error::lost()), EARLY);
        let of = |servers: &[Health], complete| starting.after_all(servers, complete, None, late());
        let all = of(&[up.clone(), up.clone()], true);
        assert_eq!((all.status(), all.connections()), (Status::Connected, 4));
        let one_lost = of(&[up.clone(), lost], true);
        assert_eq!(one_lost.status(), Status::Degraded);
        assert_eq!(one_lost.last_error(), Some(&Error::lost()));
        assert_eq!(of(&[up], false).last_error(), Some(&Error::uncovered()));
        let one_new = of(&[all, starting.clone()], true);
        assert_eq!(one_new.status(), Status::Starting);
        assert_eq!(of(&[], false).status(), Status::Starting);
    }

    #[test]
    fn keeps_the_last_error_after_recovery() {
        let error = Error::lost();
        let degraded = Health::starting(EARLY).after(0, false, Some(&error), EARLY);
        let connected = degraded.after(1, false, None, late());
        assert_eq!(connected.last_error(), Some(&error));
    }
}
