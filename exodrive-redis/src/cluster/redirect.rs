//! Where a command belongs that a server did not execute.

use crate::error::Error;

/// Host and port of a server; the host is that of whoever named it where it is left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// What to do about a refusal that is about the place (Redis Cluster Specification, "Redirection
/// and resharding"). Such a refusal executed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Redirect {
    /// Another server has the slot.
    Moved(Address),
    /// Another server has the keys, as the slot is being moved there.
    Ask(Address),
    /// Some of the keys have been moved and others have not.
    Again,
}

impl Redirect {
    /// Reads the refusal of a server on the host `from`.
    pub(crate) fn of(error: &Error, from: &str) -> Option<Self> {
        let address = || {
            let (_slot, address) = error.server_message()?.split_once(' ')?;
            let (host, port) = address.rsplit_once(':')?;
            Some(Address {
                host: if host.is_empty() { from } else { host }.to_owned(),
                port: port.parse().ok()?,
            })
        };
        match error.server_code()? {
            "MOVED" => address().map(Self::Moved),
            "ASK" => address().map(Self::Ask),
            "TRYAGAIN" => Some(Self::Again),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Redirect> {
        let frame = format!("-{text}\r\n");
        match redis::parse_redis_value(frame.as_bytes()).unwrap() {
            redis::Value::ServerError(error) => Redirect::of(&Error::refused(&error), "here"),
            value => panic!("{value:?} is not an error"),
        }
    }

    #[test]
    fn reads_where_to_ask_instead() {
        let address = |host: &str| Address {
            host: host.to_owned(),
            port: 6381,
        };
        let table = [
            (
                "MOVED 3999 10.0.0.1:6381",
                Some(Redirect::Moved(address("10.0.0.1"))),
            ),
            (
                "ASK 3999 redis.example:6381",
                Some(Redirect::Ask(address("redis.example"))),
            ),
            ("MOVED 3999 ::1:6381", Some(Redirect::Moved(address("::1")))),
            ("MOVED 3999 :6381", Some(Redirect::Moved(address("here")))),
            (
                "TRYAGAIN Multiple keys request during rehashing",
                Some(Redirect::Again),
            ),
            ("MOVED 3999", None),
            ("MOVED 3999 10.0.0.1:port", None),
            ("CROSSSLOT Keys in request", None),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
