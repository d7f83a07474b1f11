//! What a call can come to besides a reply.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// A call that brought no usable reply.
///
/// What to do about it follows from [`kind`](Self::kind). After [`ErrorKind::Timeout`] and
/// [`ErrorKind::Unavailable`] a command may still have been executed, or be executed later.
///
/// Neither `Display` nor `Debug` contains a credential, an argument or a text chosen by the server:
/// servers echo arguments in their messages. That text is behind
/// [`server_message`](Self::server_message).
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    cause: Cause,
}

/// Classes of [`Error`], by what a caller can do about them.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// There is no connection, it was lost, or the breaker is open; do without Redis.
    Unavailable,
    /// No reply came within the deadline; the command may be executed all the same.
    Timeout,
    /// As many calls as allowed are in flight; nothing was sent.
    Overloaded,
    /// The server answered with an error, whose code is [`Error::server_code`].
    Refused,
    /// The reply was not what the protocol or the caller expected.
    Protocol,
}

/// Whom a failed call speaks against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blame {
    /// The server is well: the error is about this call alone, or about nothing the server did.
    Call,
    /// The server failed to serve.
    Server,
    /// The server failed to serve, and this connection will not see it recover.
    Connection,
    /// The server is no longer the one to ask, or no longer knows us, on any connection.
    EveryConnection,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Cause {
    BreakerOpen,
    NotConnected,
    Lost(Cow<'static, str>),
    Replica,
    #[cfg(feature = "sentinel")]
    UnknownMaster,
    #[cfg(feature = "cluster")]
    Uncovered,
    TimedOut(Duration),
    Overloaded {
        limit: usize,
    },
    Refused {
        code: String,
        message: String,
    },
    Malformed,
    Resp3NotSupported,
    Unexpected {
        expected: &'static str,
    },
}

impl Error {
    /// Creates the error of a reply that is not `expected`, such as `"two integers"`.
    ///
    /// For implementations of [`FromReply`](crate::FromReply).
    #[must_use]
    pub const fn unexpected(expected: &'static str) -> Self {
        Self::new(Cause::Unexpected { expected })
    }

    /// Returns the class of this error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match &self.cause {
            Cause::BreakerOpen | Cause::NotConnected | Cause::Lost(_) | Cause::Replica => {
                ErrorKind::Unavailable
            }
            #[cfg(feature = "sentinel")]
            Cause::UnknownMaster => ErrorKind::Unavailable,
            #[cfg(feature = "cluster")]
            Cause::Uncovered => ErrorKind::Unavailable,
            Cause::TimedOut(_) => ErrorKind::Timeout,
            Cause::Overloaded { .. } => ErrorKind::Overloaded,
            Cause::Refused { .. } => ErrorKind::Refused,
            Cause::Malformed | Cause::Resp3NotSupported | Cause::Unexpected { .. } => {
                ErrorKind::Protocol
            }
        }
    }

    /// Returns whether the server may have executed the command, or may execute it later: it was sent, and no reply
    /// tells what came of it.
    #[must_use]
    pub const fn may_have_executed(&self) -> bool {
        match &self.cause {
            Cause::Lost(_) | Cause::TimedOut(_) | Cause::Malformed | Cause::Unexpected { .. } => {
                true
            }
            #[cfg(feature = "sentinel")]
            Cause::UnknownMaster => false,
            #[cfg(feature = "cluster")]
            Cause::Uncovered => false,
            Cause::BreakerOpen
            | Cause::NotConnected
            | Cause::Replica
            | Cause::Overloaded { .. }
            | Cause::Refused { .. }
            | Cause::Resp3NotSupported => false,
        }
    }

    /// Returns the code of a [`Refused`](ErrorKind::Refused) call, such as `WRONGTYPE` or `OOM`.
    ///
    /// A script can make up codes; one that is not upper-case ASCII reads `ERR`.
    #[must_use]
    pub fn server_code(&self) -> Option<&str> {
        match &self.cause {
            Cause::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Returns what the server said beyond its code, for a developer's eyes.
    ///
    /// It may contain arguments of the command, so it belongs neither in a response nor, in
    /// production, in a log. It is empty for an error met while connecting.
    #[must_use]
    pub fn server_message(&self) -> Option<&str> {
        match &self.cause {
            Cause::Refused { message, .. } => Some(message),
            _ => None,
        }
    }

    pub(crate) const fn breaker_open() -> Self {
        Self::new(Cause::BreakerOpen)
    }

    pub(crate) const fn not_connected() -> Self {
        Self::new(Cause::NotConnected)
    }

    pub(crate) const fn lost() -> Self {
        Self::new(Cause::Lost(Cow::Borrowed("connection closed")))
    }

    pub(crate) const fn replica() -> Self {
        Self::new(Cause::Replica)
    }

    #[cfg(feature = "sentinel")]
    pub(crate) const fn unknown_master() -> Self {
        Self::new(Cause::UnknownMaster)
    }

    /// The error of slots that no server has.
    #[cfg(feature = "cluster")]
    pub(crate) const fn uncovered() -> Self {
        Self::new(Cause::Uncovered)
    }

    /// The error of a pipeline over several slots: what a server says of such a command.
    #[cfg(feature = "cluster")]
    pub(crate) fn several_slots() -> Self {
        Self::new(Cause::Refused {
            code: "CROSSSLOT".to_owned(),
            message: "the commands of a pipeline are not all about one slot".to_owned(),
        })
    }

    /// The error of a server by whose word the cluster does not serve.
    #[cfg(feature = "cluster")]
    pub(crate) fn cluster_down() -> Self {
        Self::new(Cause::Refused {
            code: "CLUSTERDOWN".to_owned(),
            message: String::new(),
        })
    }

    pub(crate) const fn timed_out(limit: Duration) -> Self {
        Self::new(Cause::TimedOut(limit))
    }

    pub(crate) const fn overloaded(limit: usize) -> Self {
        Self::new(Cause::Overloaded { limit })
    }

    /// The error of a command that the server answered with an error.
    pub(crate) fn refused(error: &redis::ServerError) -> Self {
        Self::new(Cause::Refused {
            code: presentable(error.code()),
            message: error.details().unwrap_or_default().to_owned(),
        })
    }

    /// The error of a connection that failed, or could not be made.
    ///
    /// Drops every text but the code: a server that knows no `HELLO` answers with its arguments,
    /// the password among them.
    pub(crate) fn transport(error: &redis::RedisError) -> Self {
        if let Some(error) = io_error(error) {
            return Self::socket(error);
        }
        Self::new(match error.kind() {
            redis::ErrorKind::Parse => Cause::Malformed,
            redis::ErrorKind::RESP3NotSupported => Cause::Resp3NotSupported,
            _ => match error.code() {
                Some(code) => Cause::Refused {
                    code: presentable(code),
                    message: String::new(),
                },
                None => Cause::Lost(Cow::Borrowed("other error")),
            },
        })
    }

    /// The error of a socket that failed, or could not be opened.
    pub(crate) fn socket(error: &io::Error) -> Self {
        Self::new(Cause::Lost(Cow::Owned(error.to_string())))
    }

    /// Returns whom this error speaks against.
    pub(crate) fn blame(&self) -> Blame {
        match &self.cause {
            Cause::BreakerOpen
            | Cause::NotConnected
            | Cause::Overloaded { .. }
            | Cause::Unexpected { .. } => Blame::Call,
            Cause::TimedOut(_) => Blame::Server,
            Cause::Lost(_) | Cause::Malformed | Cause::Resp3NotSupported => Blame::Connection,
            Cause::Replica => Blame::EveryConnection,
            #[cfg(feature = "sentinel")]
            Cause::UnknownMaster => Blame::Connection,
            #[cfg(feature = "cluster")]
            Cause::Uncovered => Blame::Call,
            Cause::Refused { code, message } => match code.as_str() {
                // The same code says that the cluster is down and that one slot has no server.
                "CLUSTERDOWN" if message.contains("slot") => Blame::Call,
                "BUSY" | "CLUSTERDOWN" | "LOADING" => Blame::Server,
                // A new connection may reach another server, or log in with what is now right.
                "MASTERDOWN" | "NOAUTH" | "READONLY" | "WRONGPASS" => Blame::EveryConnection,
                // `NOPERM` is a caller's mistake. Whether a new login could do what this one may
                // not, the probe finds out: it needs no permission that is not documented.
                _ => Blame::Call,
            },
        }
    }

    const fn new(cause: Cause) -> Self {
        Self { cause }
    }
}

/// Returns the error of the operating system, which the protocol crate keeps behind an `Arc`.
fn io_error(error: &redis::RedisError) -> Option<&io::Error> {
    error
        .source()?
        .downcast_ref::<Arc<dyn StdError + Send + Sync>>()?
        .downcast_ref()
}

/// Makes a server's code fit for a log line: scripts choose theirs, from any bytes.
fn presentable(code: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if (1..=32).contains(&code.len()) && code.bytes().all(plain) {
        code.to_owned()
    } else {
        "ERR".to_owned()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::BreakerOpen => f.write_str("Redis did not answer and is being probed"),
            Cause::NotConnected => f.write_str("not connected to Redis"),
            Cause::Lost(reason) => write!(f, "no connection to Redis: {reason}"),
            Cause::Replica => f.write_str("this Redis server is a replica"),
            #[cfg(feature = "sentinel")]
            Cause::UnknownMaster => f.write_str("the sentinels know no such master"),
            #[cfg(feature = "cluster")]
            Cause::Uncovered => f.write_str("the Redis cluster has slots without a server"),
            Cause::TimedOut(limit) => write!(f, "Redis did not answer within {limit:?}"),
            Cause::Overloaded { limit } => write!(f, "{limit} calls to Redis are in flight"),
            Cause::Refused { code, .. } => write!(f, "Redis refused with {code}"),
            Cause::Malformed => f.write_str("Redis sent a malformed reply"),
            Cause::Resp3NotSupported => f.write_str("this Redis server does not speak RESP3"),
            Cause::Unexpected { expected } => write!(f, "Redis did not reply with {expected}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Error")
            .field(&format_args!("{self}"))
            .finish()
    }
}

impl StdError for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(text: &str) -> Error {
        let frame = format!("-{text}\r\n");
        match redis::parse_redis_value(frame.as_bytes()).unwrap() {
            redis::Value::ServerError(error) => Error::refused(&error),
            value => panic!("{value:?} is not an error"),
        }
    }

    #[test]
    fn blames_the_server_only_for_what_the_server_did() {
        let table = [
            (
                "WRONGTYPE Operation against a key holding the wrong kind",
                Blame::Call,
            ),
            ("NOSCRIPT No matching script", Blame::Call),
            (
                "OOM command not allowed when used memory > 'maxmemory'",
                Blame::Call,
            ),
            (
                "ERR user_script:1: attempt to index a nil value",
                Blame::Call,
            ),
            ("EXECABORT Transaction discarded", Blame::Call),
            (
                "LOADING Redis is loading the dataset in memory",
                Blame::Server,
            ),
            ("BUSY Redis is busy running a script", Blame::Server),
            ("CLUSTERDOWN The cluster is down", Blame::Server),
            ("CLUSTERDOWN Hash slot not served", Blame::Call),
            (
                "TRYAGAIN Multiple keys request during rehashing of slot",
                Blame::Call,
            ),
            (
                "READONLY You can't write against a read only replica.",
                Blame::EveryConnection,
            ),
            ("NOAUTH Authentication required.", Blame::EveryConnection),
            (
                "WRONGPASS invalid username-password pair",
                Blame::EveryConnection,
            ),
            ("NOPERM this user has no permissions", Blame::Call),
            (
                "MASTERDOWN Link with MASTER is down",
                Blame::EveryConnection,
            ),
        ];
        for (text, blame) in table {
            let error = answered(text);
            assert_eq!(error.kind(), ErrorKind::Refused);
            assert_eq!(error.server_code(), text.split(' ').next());
            assert_eq!(error.blame(), blame, "{text}");
        }
        assert_eq!(Error::overloaded(1).blame(), Blame::Call);
        assert_eq!(Error::breaker_open().blame(), Blame::Call);
        assert_eq!(Error::timed_out(Duration::ZERO).blame(), Blame::Server);
        assert_eq!(Error::lost().blame(), Blame::Connection);
    }

    #[test]
    fn tells_what_was_sent_and_not_answered_from_what_was_not_sent_or_refused() {
        for error in [
            Error::lost(),
            Error::timed_out(Duration::ZERO),
            Error::unexpected("a number"),
        ] {
            assert!(error.may_have_executed(), "{error}");
        }
        for error in [
            Error::not_connected(),
            Error::breaker_open(),
            Error::overloaded(1),
            answered("OOM command not allowed"),
        ] {
            assert!(!error.may_have_executed(), "{error}");
        }
    }

    #[test]
    fn shows_the_code_and_keeps_the_message_apart() {
        let error = answered("ERR unknown command `HELLO`, with args beginning with: `s3cret`");
        let shown = format!("{error} {error:?} {error:#?}");
        assert!(shown.contains("ERR"));
        assert!(!shown.contains("s3cret"));
        assert!(error.server_message().unwrap().contains("s3cret"));
    }

    #[test]
    fn shows_no_code_that_a_script_made_up() {
        for text in ["s3cret told", "\u{1b}[2J x", "Ünicode"] {
            assert_eq!(answered(text).server_code(), Some("ERR"));
        }
    }

    #[test]
    fn keeps_only_the_code_of_an_error_met_while_connecting() {
        let frame = b"-WRONGPASS invalid s3cret\r\n";
        let redis::Value::ServerError(refusal) = redis::parse_redis_value(frame).unwrap() else {
            panic!("not an error");
        };
        let error = Error::transport(&refusal.into());
        assert_eq!(error.server_code(), Some("WRONGPASS"));
        assert_eq!(error.server_message(), Some(""));
    }

    #[test]
    fn tells_a_lost_connection_from_a_malformed_reply() {
        let lost = redis::RedisError::from(io::Error::from(io::ErrorKind::ConnectionReset));
        let lost = Error::transport(&lost);
        assert_eq!(lost.kind(), ErrorKind::Unavailable);
        assert_eq!(lost.to_string(), "no connection to Redis: connection reset");
        let malformed = redis::parse_redis_value(b"?nonsense\r\n").unwrap_err();
        assert_eq!(Error::transport(&malformed).kind(), ErrorKind::Protocol);
        assert_eq!(Error::transport(&malformed).blame(), Blame::Connection);
    }
}
