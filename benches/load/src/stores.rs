//! What several instances of the server would share.

use exodrive_faults::{Server as Redis, postgres_database};

/// Redis and an empty database of PostgreSQL.
#[derive(Debug)]
pub(crate) struct Stores {
    redis: Redis,
    database: String,
}

impl Stores {
    /// Starts both. A program that is missing is a panic that says what to install.
    pub(crate) async fn start() -> Self {
        Self {
            redis: Redis::allowing("~* &* +@all"),
            database: postgres_database().await,
        }
    }

    /// The variables that tell the server.
    pub(crate) fn environment(&self) -> [(&'static str, String); 2] {
        [
            ("REDIS_URL", self.redis.url()),
            ("DATABASE_URL", self.database.clone()),
        ]
    }
}
