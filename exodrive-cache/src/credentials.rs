//! Requests that say who sends them.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;

/// What a policy does with a request that carries `Authorization` or `Cookie`.
///
/// RFC 9111, section 3.5 forbids a shared cache to reuse the answer to an authorized request unless
/// the service says that it may.
#[derive(Clone, Debug, Default)]
pub struct Credentials(Kind);

type Principal = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

#[derive(Clone, Default)]
enum Kind {
    #[default]
    Bypass,
    Shared,
    PerPrincipal(Principal),
}

/// Whose answer a request may be given.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Audience {
    Everybody,
    Principal(String),
}

impl Credentials {
    /// Sends such requests past the cache.
    #[must_use]
    pub fn bypass() -> Self {
        Self(Kind::Bypass)
    }

    /// Serves one answer to everybody: the handler does not see the credentials.
    #[must_use]
    pub fn shared() -> Self {
        Self(Kind::Shared)
    }

    /// Keeps the answers of each principal apart.
    ///
    /// `principal` names whoever is signed in, from something that authentication left in the
    /// request's extensions, never from a header that was not verified. A request with credentials
    /// for which it returns `None` bypasses the cache. The handler sees `Authorization` but not `Cookie`.
    pub fn per_principal(
        principal: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self(Kind::PerPrincipal(Arc::new(principal)))
    }

    /// Returns whose answer `request` may be given, or `None` if it has to bypass. It `has_any` with `Authorization` or
    /// `Cookie`.
    pub(crate) fn audience(&self, request: &Parts, has_any: bool) -> Option<Audience> {
        match &self.0 {
            Kind::Shared => Some(Audience::Everybody),
            Kind::Bypass => (!has_any).then_some(Audience::Everybody),
            Kind::PerPrincipal(principal) => match principal(request) {
                Some(principal) => Some(Audience::Principal(principal)),
                None => (!has_any).then_some(Audience::Everybody),
            },
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bypass => "Bypass",
            Self::Shared => "Shared",
            Self::PerPrincipal(_) => "PerPrincipal",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn request() -> Parts {
        samples::request("/", &[])
    }

    #[test]
    fn bypasses_unless_told_otherwise() {
        let credentials = Credentials::bypass();
        assert_eq!(
            credentials.audience(&request(), false),
            Some(Audience::Everybody)
        );
        assert_eq!(credentials.audience(&request(), true), None);
    }

    #[test]
    fn shares_one_answer_when_told_to() {
        let audience = Credentials::shared().audience(&request(), true);
        assert_eq!(audience, Some(Audience::Everybody));
    }

    #[test]
    fn keeps_principals_apart_and_never_guesses_one() {
        let credentials =
            Credentials::per_principal(|request| request.extensions.get::<String>().cloned());
        let mut alice = request();
        alice.extensions.insert("alice".to_owned());
        assert_eq!(
            credentials.audience(&alice, true),
            Some(Audience::Principal("alice".to_owned()))
        );
        assert_eq!(credentials.audience(&request(), true), None);
        assert_eq!(
            credentials.audience(&request(), false),
            Some(Audience::Everybody)
        );
    }
}
