//! One live connection, and when it stops being one.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use redis::aio::MultiplexedConnection;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::error::Blame;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::reply::Reply;
use crate::script::Invocation;

/// Timeouts in a row after which a connection is given up. A stopped process, or a proxy in front
/// of a dead one, goes on acknowledging what it is sent, so TCP alone would not notice.
const TIMEOUTS: u32 = 5;

/// How often a call tells the server its script. Once is enough unless somebody flushes the scripts
/// in the very instant between the two commands.
const LOADS: usize = 2;

/// A connection that all callers share: what they send is pipelined in the order of sending.
pub(crate) struct Link {
    connection: MultiplexedConnection,
    timeouts: AtomicU32,
    end: Arc<End>,
    /// What reads and writes; it and the socket go with the link.
    _driver: JoinSet<()>,
}

/// Why a connection ended, once it has; the first reason stays.
#[derive(Default)]
struct End {
    reason: OnceLock<Error>,
    reached: Notify,
}

impl End {
    fn because(&self, reason: Error) {
        // Losing the race means that the connection has ended already, which is as good.
        let _ = self.reason.set(reason);
        self.reached.notify_one();
    }
}

impl Link {
    /// Runs `connection` by its `driver`, which ends when the connection is lost.
    pub(crate) fn new(
        connection: MultiplexedConnection,
        driver: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let end = Arc::new(End::default());
        let told = Arc::clone(&end);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            driver.await;
            told.because(Error::lost());
        });
        Self {
            connection,
            timeouts: AtomicU32::new(0),
            end,
            _driver: tasks,
        }
    }

    pub(crate) async fn query(&self, command: &redis::Cmd) -> Result<Reply, Error> {
        let value = self.connection.clone().send_packed_command(command).await;
        Reply::from_value(value.map_err(|error| Error::transport(&error))?)
    }

    /// Sends several commands in one write; each has its own outcome.
    pub(crate) async fn pipeline(
        &self,
        commands: &redis::Pipeline,
    ) -> Result<Vec<Result<Reply, Error>>, Error> {
        let mut connection = self.connection.clone();
        let values = connection
            .send_packed_commands(commands, 0, commands.len())
            .await;
        let values = values.map_err(|error| Error::transport(&error))?;
        Ok(values.into_iter().map(Reply::from_value).collect())
    }

    /// Calls a script by its digest, telling the server the script first if it did not know it.
    ///
    /// Such a refusal executes nothing, so the call cannot count twice. `SCRIPT LOAD` and the call
    /// travel together instead of as one `EVAL`, for which a login may lack the permission.
    pub(crate) async fn invoke(&self, invocation: &Invocation<'_>) -> Result<Reply, Error> {
        let mut outcome = self.query(invocation.call().packed()).await;
        for _ in 0..LOADS {
            if !matches!(&outcome, Err(error) if error.server_code() == Some("NOSCRIPT")) {
                break;
            }
            let mut load_and_call = redis::Pipeline::new();
            load_and_call.add_command(invocation.load().into_packed());
            load_and_call.add_command(invocation.call().clone().into_packed());
            let replies = self.pipeline(&load_and_call).await?;
            let [load, call] =
                <[_; 2]>::try_from(replies).map_err(|_| Error::unexpected("two replies"))?;
            outcome = load.and(call);
        }
        outcome
    }

    /// Takes note of what came of a call on this connection, and ends it where that ends one.
    pub(crate) fn observe(&self, error: Option<&Error>) {
        match error.map(|error| (error, error.blame())) {
            Some((error, Blame::Connection | Blame::EveryConnection)) => {
                self.end.because(error.clone())
            }
            Some((error, Blame::Server)) if error.kind() == ErrorKind::Timeout => {
                if self.timeouts.fetch_add(1, Ordering::Relaxed) + 1 == TIMEOUTS {
                    self.end.because(error.clone());
                }
            }
            // Any answer ends the row. Most often there is none to end, and reading is cheaper.
            _ => {
                if self.timeouts.load(Ordering::Relaxed) != 0 {
                    self.timeouts.store(0, Ordering::Relaxed);
                }
            }
        }
    }

    /// Returns whether this connection may be used.
    pub(crate) fn is_live(&self) -> bool {
        self.end.reason.get().is_none()
    }

    /// Ends this connection; calls in flight on it run out by themselves.
    pub(crate) fn end(&self, reason: Error) {
        self.end.because(reason);
    }

    /// Waits until this connection has ended; for one waiter.
    pub(crate) async fn ended(&self) -> Error {
        loop {
            if let Some(reason) = self.end.reason.get() {
                return reason.clone();
            }
            self.end.reached.notified().await;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use redis::AsyncConnectionConfig;
    use redis::RedisConnectionInfo;
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::script::Script;

    /// The answer to a script and a call of it with a flush in between.
    const FLUSHED: &str = "+digest\r\n-NOSCRIPT flushed\r\n";

    /// A connection to a server that answers each write with the next of `answers`.
    pub(crate) async fn link<const N: usize>(answers: [&'static str; N]) -> Link {
        let (client, mut server) = tokio::io::duplex(4_096);
        let silent = RedisConnectionInfo::default().set_skip_set_lib_name();
        let config = AsyncConnectionConfig::default();
        let connecting = MultiplexedConnection::new_with_config(&silent, client, config);
        let (connection, driver) = connecting.await.unwrap();
        tokio::spawn(async move {
            for answer in answers {
                assert_ne!(server.read(&mut [0; 4_096]).await.unwrap(), 0);
                server.write_all(answer.as_bytes()).await.unwrap();
            }
            // The connection stays open for as long as the test runs.
            std::future::pending::<()>().await;
        });
        Link::new(connection, driver)
    }

    #[tokio::test]
    async fn ends_on_the_fifth_timeout_in_a_row() {
        let link = link([]).await;
        let timed_out = Error::timed_out(Duration::ZERO);
        for _ in 0..3 {
            for _ in 0..4 {
                link.observe(Some(&timed_out));
            }
            link.observe(None);
        }
        for left in (0..5).rev() {
            link.observe(Some(&timed_out));
            assert_eq!(link.is_live(), left > 0);
        }
        assert_eq!(link.ended().await, timed_out);
    }

    #[tokio::test]
    async fn ends_for_the_first_reason() {
        let link = link([]).await;
        link.observe(Some(&Error::overloaded(1)));
        assert!(link.is_live());
        link.observe(Some(&Error::replica()));
        link.observe(Some(&Error::lost()));
        assert_eq!(link.ended().await, Error::replica());
    }

    #[tokio::test]
    async fn tells_a_script_again_that_was_flushed_before_the_call() {
        let script = Script::new("return 7");
        let call = script.keys(["a"]);
        let link = link(["-NOSCRIPT unknown\r\n", FLUSHED, "+digest\r\n:7\r\n"]).await;
        assert_eq!(link.invoke(&call).await, Ok(Reply::Integer(7)));
    }

    #[tokio::test]
    async fn stops_telling_a_script_that_is_never_known() {
        let script = Script::new("return redis.error_reply('NOSCRIPT of its own')");
        let call = script.keys(["a"]);
        let link = link(["-NOSCRIPT unknown\r\n", FLUSHED, FLUSHED, ":7\r\n"]).await;
        let error = link.invoke(&call).await.unwrap_err();
        assert_eq!(error.server_code(), Some("NOSCRIPT"));
    }
}
