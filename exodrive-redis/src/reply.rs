//! What comes back.

use std::borrow::Cow;

use redis::Value;

use crate::error::Error;

/// A reply, independent of the protocol's version.
///
/// A map or set arrives as an [`Array`](Self::Array), a map as its keys and values in turn.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// There is no such value.
    Nil,
    /// An integer, signed.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
    /// A floating point number.
    Double(f64),
    /// A short word from the server, such as `OK`.
    Status(Cow<'static, str>),
    /// A value: any bytes.
    Bytes(Vec<u8>),
    /// Several replies in order.
    Array(Vec<Self>),
}

/// A type that a [`Reply`] can be read as.
///
/// Implement it to give the reply of a script a type of its own:
///
/// ```
/// use exodrive_redis::{Error, FromReply, Reply};
///
/// #[derive(Debug, PartialEq)]
/// struct Verdict {
///     admitted: bool,
///     remaining: u64,
/// }
///
/// impl FromReply for Verdict {
///     fn from_reply(reply: Reply) -> Result<Self, Error> {
///         let [admitted, remaining] = <[i64; 2]>::from_reply(reply)?;
///         let remaining = u64::try_from(remaining).map_err(|_| Error::unexpected("a count"))?;
///         Ok(Self { admitted: admitted == 1, remaining })
///     }
/// }
///
/// let reply = Reply::Array(vec![Reply::Integer(1), Reply::Integer(59)]);
/// assert_eq!(Verdict::from_reply(reply), Ok(Verdict { admitted: true, remaining: 59 }));
/// assert!(Verdict::from_reply(Reply::Nil).is_err());
/// ```
pub trait FromReply: Sized {
    /// Reads `reply`.
    ///
    /// # Errors
    ///
    /// Of kind [`Protocol`](crate::ErrorKind::Protocol) when the reply is something else.
    fn from_reply(reply: Reply) -> Result<Self, Error>;
}

impl Reply {
    /// Reads what the connection returned; an error of the server becomes ours, however deep.
    pub(crate) fn from_value(value: Value) -> Result<Self, Error> {
        Ok(match value {
            Value::Nil => Self::Nil,
            Value::Int(integer) => Self::Integer(integer),
            Value::Boolean(boolean) => Self::Boolean(boolean),
            Value::Double(double) => Self::Double(double),
            Value::Okay => Self::Status(Cow::Borrowed("OK")),
            Value::SimpleString(text) => Self::Status(Cow::Owned(text)),
            Value::BulkString(bytes) => Self::Bytes(bytes),
            Value::VerbatimString { text, .. } => Self::Bytes(text.into_bytes()),
            Value::Array(values) | Value::Set(values) => values
                .into_iter()
                .map(Self::from_value)
                .collect::<Result<_, _>>()
                .map(Self::Array)?,
            Value::Map(pairs) => {
                let flat = pairs.into_iter().flat_map(|(key, value)| [key, value]);
                flat.map(Self::from_value)
                    .collect::<Result<_, _>>()
                    .map(Self::Array)?
            }
            Value::Attribute { data, .. } => Self::from_value(*data)?,
            Value::ServerError(error) => return Err(Error::refused(&error)),
            _ => return Err(Error::unexpected("a known type")),
        })
    }
}

impl FromReply for Reply {
    fn from_reply(reply: Reply) -> Result<Self, Error> {
        Ok(reply)
    }
}

/// Accepts every reply, for commands whose reply says nothing.
impl FromReply for () {
    fn from_reply(_: Reply) -> Result<Self, Error> {
        Ok(())
    }
}

impl FromReply for i64 {
    fn from_reply(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::Integer(integer) => Ok(integer),
            _ => Err(Error::unexpected("an integer")),
        }
    }
}

/// Reads a truth value, or the integers 0 and 1, by which most commands mean one.
impl FromReply for bool {
    fn from_reply(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::Boolean(boolean) => Ok(boolean),
            Reply::Integer(0) => Ok(false),
            Reply::Integer(1) => Ok(true),
            _ => Err(Error::unexpected("a truth value")),
        }
    }
}

impl FromReply for Vec<u8> {
    fn from_reply(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::Bytes(bytes) => Ok(bytes),
            Reply::Status(text) => Ok(text.into_owned().into_bytes()),
            _ => Err(Error::unexpected("bytes")),
        }
    }
}

impl FromReply for String {
    fn from_reply(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::Status(text) => Ok(text.into_owned()),
            Reply::Bytes(bytes) => Self::from_utf8(bytes).map_err(|_| Error::unexpected("text")),
            _ => Err(Error::unexpected("text")),
        }
    }
}

/// Reads nil as `None`.
impl<T: FromReply> FromReply for Option<T> {
    fn from_reply(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::Nil => Ok(None),
            reply => T::from_reply(reply).map(Some),
        }
    }
}

impl<T: FromReply> FromReply for Vec<T> {
    fn from_reply(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::Array(replies) => replies.into_iter().map(T::from_reply).collect(),
            _ => Err(Error::unexpected("an array")),
        }
    }
}

/// Reads an array of exactly `N` elements.
impl<T: FromReply, const N: usize> FromReply for [T; N] {
    fn from_reply(reply: Reply) -> Result<Self, Error> {
        let elements: Vec<T> = Vec::from_reply(reply)?;
        elements
            .try_into()
            .map_err(|_| Error::unexpected("an array of the right length"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn read(frame: &str) -> Result<Reply, Error> {
        Reply::from_value(redis::parse_redis_value(frame.as_bytes()).unwrap())
    }

    #[test]
    fn reads_every_type_of_the_protocol() {
        let bytes = |text: &str| Reply::Bytes(text.into());
        let table = [
            ("$-1\r\n", Reply::Nil),
            ("_\r\n", Reply::Nil),
            (":-3\r\n", Reply::Integer(-3)),
            ("#t\r\n", Reply::Boolean(true)),
            (",1.5\r\n", Reply::Double(1.5)),
            ("+OK\r\n", Reply::Status("OK".into())),
            ("+PONG\r\n", Reply::Status("PONG".into())),
            ("$1\r\nx\r\n", bytes("x")),
            ("=5\r\ntxt:x\r\n", bytes("x")),
            (
                "*2\r\n:1\r\n*0\r\n",
                Reply::Array(vec![Reply::Integer(1), Reply::Array(vec![])]),
            ),
            ("~1\r\n$1\r\nx\r\n", Reply::Array(vec![bytes("x")])),
            (
                "%1\r\n+k\r\n:1\r\n",
                Reply::Array(vec![Reply::Status("k".into()), Reply::Integer(1)]),
            ),
        ];
        for (frame, reply) in table {
            assert_eq!(read(frame), Ok(reply), "{frame:?}");
        }
    }

    #[test]
    fn an_error_inside_an_array_is_the_error_of_the_call() {
        let error = read("*2\r\n:1\r\n-WRONGTYPE no\r\n").unwrap_err();
        assert_eq!(error.server_code(), Some("WRONGTYPE"));
    }

    #[test]
    fn reads_a_reply_only_as_what_it_is() {
        let pair = || Reply::Array(vec![Reply::Integer(1), Reply::Integer(2)]);
        assert_eq!(<[i64; 2]>::from_reply(pair()), Ok([1, 2]));
        assert_eq!(Vec::<i64>::from_reply(pair()), Ok(vec![1, 2]));
        assert_eq!(Option::<i64>::from_reply(Reply::Nil), Ok(None));
        assert_eq!(bool::from_reply(Reply::Integer(1)), Ok(true));
        let wrong = [
            <[i64; 3]>::from_reply(pair()).unwrap_err(),
            i64::from_reply(Reply::Nil).unwrap_err(),
            bool::from_reply(Reply::Integer(2)).unwrap_err(),
            String::from_reply(Reply::Bytes(vec![0xff])).unwrap_err(),
            Vec::<u8>::from_reply(Reply::Integer(1)).unwrap_err(),
        ];
        assert!(
            wrong
                .iter()
                .all(|error| error.kind() == ErrorKind::Protocol)
        );
    }
}
