//! RFC 9457: when a client asks for a problem, and the members that make an envelope one.

use http::HeaderMap;
use http::StatusCode;
use http::header::ACCEPT;

pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// The members of a problem that an envelope does not have; `detail` is the envelope's message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Problem<'a> {
    pub(crate) kind: &'a str,
    pub(crate) title: &'a str,
}

impl<'a> Problem<'a> {
    /// `kind` is the address that documents the code; without one the type is `about:blank`, whose title is the status
    /// phrase (RFC 9457, section 4.2.1).
    pub(crate) fn new(kind: Option<&'a str>, status: StatusCode) -> Self {
        Self {
            kind: kind.unwrap_or("about:blank"),
            title: status.canonical_reason().unwrap_or("Error"),
        }
    }
}

/// Whether `Accept` names `application/problem+json` itself; a wildcard is no wish for it.
pub(crate) fn is_accepted(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        // Most clients say `*/*` or nothing, which is too short to be worth reading.
        .filter(|value| value.len() >= MEDIA_TYPE.len())
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(names_problem)
}

fn names_problem(range: &str) -> bool {
    let mut parameters = range.split(';');
    let named = parameters
        .next()
        .is_some_and(|media| media.trim().eq_ignore_ascii_case(MEDIA_TYPE));
    // A weight of zero means "not acceptable" (RFC 9110, section 12.4.2).
    named
        && !parameters.any(|parameter| {
            let (name, weight) = parameter.split_once('=').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("q")
                && weight
                    .trim()
                    .parse::<f32>()
                    .is_ok_and(|weight| weight == 0.0)
        })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn is_accepted_when_accept_names_it() {
        for accept in [
            "application/problem+json",
            "Application/Problem+JSON",
            "application/json, application/problem+json;q=0.5",
            "text/html,application/problem+json ; q=1.0",
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert!(is_accepted(&headers), "{accept}");
        }
    }

    #[test]
    fn is_not_accepted_when_accept_does_not_name_it() {
        for accept in [
            "",
            "*/*",
            "application/*",
            "application/json",
            "application/problem+xml",
            "application/problem+json;q=0",
            "application/problem+json; Q=0.000",
            ",;=,q=0",
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert!(!is_accepted(&headers), "{accept}");
        }
        assert!(!is_accepted(&HeaderMap::new()));
    }

    #[test]
    fn reads_every_accept_header() {
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT, HeaderValue::from_static("text/html"));
        headers.append(ACCEPT, HeaderValue::from_static(MEDIA_TYPE));
        assert!(is_accepted(&headers));
    }

    #[test]
    fn says_about_blank_and_the_status_phrase_without_documentation() {
        let problem = Problem::new(None, StatusCode::NOT_FOUND);
        assert_eq!((problem.kind, problem.title), ("about:blank", "Not Found"));
    }
}
