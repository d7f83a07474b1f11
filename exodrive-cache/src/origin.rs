//! What the handler itself says of caching.

use http::HeaderMap;

use crate::cache_control::CacheControl;

/// How far the `Cache-Control` of the handler's answer counts beside the policy.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Origin {
    /// Only the policy counts.
    Ignore,
    /// `no-store`, `private` and `no-cache` keep the answer out of the cache; the policy sets how
    /// long others are kept.
    #[default]
    Respect,
    /// The answer's header decides everything, as RFC 9111 has it; see
    /// [`CachePolicy::rfc9111`](crate::CachePolicy::rfc9111).
    Rfc9111,
}

/// What happens to answers that set a cookie.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum SetCookie {
    /// They are not stored.
    #[default]
    Refuse,
    /// They are stored without the cookie; only the client whose request made them gets it.
    Strip,
    /// They are stored with the cookie, which every client gets.
    Store,
}

impl Origin {
    /// Returns whether the handler's own header lets the answer be stored under a policy's terms.
    pub(crate) fn allows(self, headers: &HeaderMap) -> bool {
        match self {
            Self::Ignore => true,
            Self::Respect | Self::Rfc9111 => {
                let said = CacheControl::of_response(headers);
                !(said.no_store || said.private || said.no_cache)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::CACHE_CONTROL;

    use super::*;

    fn allowed(origin: Origin, lines: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CACHE_CONTROL, HeaderValue::from_str(line).unwrap());
        }
        origin.allows(&headers)
    }

    #[test]
    fn honours_what_forbids_storing_when_told_to() {
        for (lines, respected) in [
            (&[][..], true),
            (&["public, max-age=60"], true),
            (&["nO-StOrE"], false),
            (&["max-age=60, private"], false),
            (&["max-age=60", "no-cache"], false),
            (&["private=\"set-cookie, x\""], false),
            (&["extension=\"a, no-store, b\", max-age=60"], true),
        ] {
            assert_eq!(allowed(Origin::Respect, lines), respected, "{lines:?}");
            assert!(allowed(Origin::Ignore, lines), "{lines:?}");
        }
    }
}
