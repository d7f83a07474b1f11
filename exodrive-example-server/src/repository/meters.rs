use std::fmt;

use metrics::{Counter, Histogram, Unit};

const QUERIES: &str = "exodrive_database_queries_total";
const ACQUIRE_SECONDS: &str = "exodrive_database_acquire_seconds";

/// What a recorder of metrics is told, looked up once.
pub(super) struct Meters {
    pub(super) queries: Counter,
    /// How long statements waited for a connection.
    pub(super) acquire_seconds: Histogram,
}

/// The connections of one pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolState {
    pub(crate) name: &'static str,
    pub(crate) idle: u32,
    pub(crate) open: u32,
    pub(crate) limit: u32,
}

impl PoolState {
    pub(super) fn of<DB: sqlx::Database>(name: &'static str, pool: &sqlx::Pool<DB>) -> Self {
        Self {
            name,
            idle: u32::try_from(pool.num_idle()).unwrap_or(u32::MAX),
            open: pool.size(),
            limit: pool.options().get_max_connections(),
        }
    }

    pub(crate) fn used(self) -> u32 {
        self.open.saturating_sub(self.idle)
    }
}

impl Meters {
    pub(super) fn new() -> Self {
        Self {
            queries: metrics::counter!(QUERIES),
            acquire_seconds: metrics::histogram!(ACQUIRE_SECONDS),
        }
    }
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}

pub(crate) fn describe_meters() {
    metrics::describe_counter!(QUERIES, "Statements sent to the database");
    metrics::describe_histogram!(
        ACQUIRE_SECONDS,
        Unit::Seconds,
        "Time that statements waited for a connection"
    );
}
