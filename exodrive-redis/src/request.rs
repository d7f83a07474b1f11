//! What one call sends.

#[cfg(feature = "cluster")]
use crate::cluster::Slot;
use crate::error::Error;
use crate::link::Link;
use crate::reply::Reply;
use crate::script::Invocation;

/// Something that can be sent on a connection, and on another one where it was not executed.
pub(crate) trait Request: Sync {
    type Outcome: Send;

    fn send(&self, link: &Link) -> impl Future<Output = Result<Self::Outcome, Error>> + Send;

    /// Returns the error in an outcome that speaks most against the server.
    fn worst(outcome: &Result<Self::Outcome, Error>) -> Option<&Error>;
}

impl Request for redis::Cmd {
    type Outcome = Reply;

    fn send(&self, link: &Link) -> impl Future<Output = Result<Reply, Error>> + Send {
        link.query(self)
    }

    fn worst(outcome: &Result<Reply, Error>) -> Option<&Error> {
        outcome.as_ref().err()
    }
}

impl Request for Invocation<'_> {
    type Outcome = Reply;

    fn send(&self, link: &Link) -> impl Future<Output = Result<Reply, Error>> + Send {
        link.invoke(self)
    }

    fn worst(outcome: &Result<Reply, Error>) -> Option<&Error> {
        outcome.as_ref().err()
    }
}

impl Request for redis::Pipeline {
    type Outcome = Vec<Result<Reply, Error>>;

    fn send(&self, link: &Link) -> impl Future<Output = Result<Self::Outcome, Error>> + Send {
        link.pipeline(self)
    }

    fn worst(outcome: &Result<Self::Outcome, Error>) -> Option<&Error> {
        match outcome {
            Ok(replies) => replies
                .iter()
                .filter_map(|reply| reply.as_ref().err())
                .max_by_key(|error| error.blame()),
            Err(error) => Some(error),
        }
    }
}

/// A request with one reply, for keys that may be found to be elsewhere.
pub(crate) trait Movable: Request<Outcome = Reply> {
    /// Returns the slot of the keys, if there are any.
    #[cfg(feature = "cluster")]
    fn slot(&self) -> Option<Slot>;

    /// Returns what to send to the server to which the keys are being moved; the last reply counts.
    #[cfg(feature = "cluster")]
    fn asking(&self) -> Asking;
}

/// A request to a server that has not got the slot yet (Redis Cluster Specification, "ASK
/// redirection"): what follows `ASKING` in the same write is nevertheless executed.
#[cfg(feature = "cluster")]
pub(crate) struct Asking(redis::Pipeline);

#[cfg(feature = "cluster")]
impl Request for Asking {
    type Outcome = Reply;

    async fn send(&self, link: &Link) -> Result<Reply, Error> {
        let replies = link.pipeline(&self.0).await?;
        replies.into_iter().try_fold(Reply::Nil, |_, reply| reply)
    }

    fn worst(outcome: &Result<Reply, Error>) -> Option<&Error> {
        outcome.as_ref().err()
    }
}

impl Movable for redis::Cmd {
    #[cfg(feature = "cluster")]
    fn slot(&self) -> Option<Slot> {
        Slot::of_command(self)
    }

    #[cfg(feature = "cluster")]
    fn asking(&self) -> Asking {
        let mut commands = redis::Pipeline::new();
        commands.add_command(redis::cmd("ASKING"));
        commands.add_command(self.clone());
        Asking(commands)
    }
}

impl Movable for Invocation<'_> {
    #[cfg(feature = "cluster")]
    fn slot(&self) -> Option<Slot> {
        Slot::of_command(self.call().packed())
    }

    #[cfg(feature = "cluster")]
    fn asking(&self) -> Asking {
        let mut commands = redis::Pipeline::new();
        // The script first, as only one command is let through.
        commands.add_command(self.load().into_packed());
        commands.add_command(redis::cmd("ASKING"));
        commands.add_command(self.call().clone().into_packed());
        Asking(commands)
    }
}
