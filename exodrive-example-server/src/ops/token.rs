use std::fmt;
use std::str::FromStr;

/// As short as a token may be. Nobody guesses one of 32 random bytes.
const SHORTEST: usize = 32;

/// What an operator has to know to change anything. It is never shown, and only its digest is kept.
#[derive(Clone)]
pub struct AdminToken(blake3::Hash);

impl AdminToken {
    /// Whether this is the token, found out in a time that does not tell how much of it is right.
    pub(super) fn is(&self, token: &[u8]) -> bool {
        // The comparison of digests takes the same time for all of them, and digests say nothing about lengths.
        self.0 == blake3::hash(token)
    }
}

/// Reads at least 32 bytes; the error leaves them out.
impl FromStr for AdminToken {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() < SHORTEST {
            return Err(
                "is too short to be a token; write 32 bytes or more, for example of `openssl rand -hex 32`",
            );
        }
        Ok(Self(blake3::hash(text.as_bytes())))
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn is_itself_and_nothing_else() {
        let token: AdminToken = TOKEN.parse().unwrap();
        assert!(token.is(TOKEN.as_bytes()));
        for other in ["", &TOKEN[1..], "0123456789abcdef0123456789abcdeF"] {
            assert!(!token.is(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn is_at_least_32_bytes_and_never_shown() {
        let error = TOKEN[1..].parse::<AdminToken>().unwrap_err();
        assert!(!error.contains(&TOKEN[1..]));
        let token: AdminToken = TOKEN.parse().unwrap();
        assert_eq!(format!("{token:?}"), "AdminToken");
    }
}
