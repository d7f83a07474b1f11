use std::fmt;
use std::str::FromStr;

/// Which Redis server to use: a URL that may hold a password, which is never shown.
#[derive(Clone, Eq, PartialEq)]
pub struct RedisUrl(String);

/// A password, which is never shown.
#[derive(Clone, Eq, PartialEq)]
pub struct Password(String);

impl RedisUrl {
    /// The URL of a server that is known by its address.
    pub(super) fn new(host: &str, port: u16, password: Option<&Password>) -> Self {
        let password = password.map_or(String::new(), |Password(password)| {
            format!(":{}@", percent_encoded(password))
        });
        // An address of version 6 goes into brackets.
        if host.contains(':') {
            Self(format!("redis://{password}[{host}]:{port}"))
        } else {
            Self(format!("redis://{password}{host}:{port}"))
        }
    }

    /// The whole URL, password included.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Reads `redis://`, perhaps a user and password, a host, perhaps a port and a database; or `unix://` and a path.
///
/// The errors leave the text out, which may hold a password.
impl FromStr for RedisUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("://") {
            Some(("redis" | "unix", rest)) if !rest.is_empty() => Ok(Self(text.to_owned())),
            _ => Err(
                "is no URL of a Redis server; write redis://user:password@host:6379/0 or unix:///path, or leave it unset",
            ),
        }
    }
}

/// The URL without user and password.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        // A path may carry the password behind a question mark, a host before an at sign.
        let place = rest.split('?').next().unwrap_or_default();
        let place = place.rsplit('@').next().unwrap_or_default();
        write!(f, "{scheme}://{place}")
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

impl FromStr for Password {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_where_a_server_is_and_never_its_password() {
        for (text, shown) in [
            (
                "redis://:hunter2@cache.internal:6380/1",
                "redis://cache.internal:6380/1",
            ),
            ("redis://limiter:hunter2@[::1]", "redis://[::1]"),
            (
                "unix:///run/redis.sock?pass=hunter2",
                "unix:///run/redis.sock",
            ),
        ] {
            let url: RedisUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("hunter2"));
            assert_eq!(url.expose(), text);
        }
    }

    #[test]
    fn refuses_anything_else_without_repeating_it() {
        for text in [
            "",
            "localhost:6379",
            "http://:hunter2@localhost",
            "redis://",
        ] {
            let error = text.parse::<RedisUrl>().unwrap_err();
            assert!(error.contains("redis://"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn is_made_of_an_address_and_any_password() {
        let password = Password("p@ss/wörd".to_owned());
        let url = RedisUrl::new("cache.internal", 6379, Some(&password));
        assert_eq!(
            url.expose(),
            "redis://:p%40ss%2Fw%C3%B6rd@cache.internal:6379"
        );
        assert_eq!(RedisUrl::new("::1", 7, None).expose(), "redis://[::1]:7");
    }
}
