//! A handle over a `bb8` pool that the service already has.
//!
//! The handle takes as many connections out of the pool as it keeps, holds them, and shares them
//! among its callers. A call therefore never waits for the pool; only the background tasks do, when
//! they replace a connection. Everything else is as for a handle of its own connections.
//!
//! ```
//! use exodrive_redis::bb8;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let manager = bb8_redis::RedisConnectionManager::new("redis://127.0.0.1:1")?;
//! let pool = bb8_redis::bb8::Pool::builder().build_unchecked(manager);
//! let redis = bb8::builder(pool).connections(1).build()?;
//! assert!(!redis.health().is_connected());
//! # Ok(())
//! # }
//! ```
//!
//! The pool has to have room for them. Leave its `test_on_check_out` on: a manager such as that of
//! `bb8-redis` takes a dead connection back and would hand it out again.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;

use bb8::ManageConnection;
use bb8::Pool;
use bb8::RunError;
use redis::RedisError;
use redis::aio::MultiplexedConnection;

use crate::builder::RedisClientBuilder;
use crate::error::Error;
use crate::link::Link;

/// Begins to set up a handle over `pool`.
///
/// [`RedisClientBuilder::connections`] is how many of its connections the handle takes.
pub fn builder<M>(pool: Pool<M>) -> RedisClientBuilder
where
    M: ManageConnection<Connection = MultiplexedConnection, Error = RedisError>,
{
    RedisClientBuilder::over(Lender::new(pool))
}

/// A connection, and what gives it back to the pool when dropped.
type Loan = (MultiplexedConnection, Box<dyn Any + Send + Sync>);

type Lending = Pin<Box<dyn Future<Output = Result<Loan, Error>> + Send>>;

/// A pool of whatever manager.
#[derive(Clone)]
pub(crate) struct Lender {
    lend: Arc<dyn Fn() -> Lending + Send + Sync>,
}

impl Lender {
    fn new<M>(pool: Pool<M>) -> Self
    where
        M: ManageConnection<Connection = MultiplexedConnection, Error = RedisError>,
    {
        let lend = move || -> Lending {
            let pool = pool.clone();
            Box::pin(async move {
                let loan = pool.get_owned().await.map_err(|error| match error {
                    RunError::User(error) => Error::transport(&error),
                    RunError::TimedOut => Error::not_connected(),
                })?;
                Ok((loan.clone(), Box::new(loan) as _))
            })
        };
        Self {
            lend: Arc::new(lend),
        }
    }

    /// Borrows a connection until the link is dropped.
    pub(crate) async fn connect(&self) -> Result<Link, Error> {
        let (mut connection, loan) = (self.lend)().await?;
        // The callers keep the time; this is only to be longer than any of theirs.
        connection.set_response_timeout(std::time::Duration::from_secs(3_600));
        // What drives the connection belongs to the pool.
        let held = async move {
            let _loan = loan;
            std::future::pending().await
        };
        Ok(Link::new(connection, held))
    }
}
