use std::time::Duration;

use exodrive_cache::CacheDecision;
use exodrive_ratelimit::{Decision, LimitState, Outcome};
use http::{Extensions, HeaderMap, Method, Response};

/// What there is to know about an answer without looking into its body.
pub(crate) struct Observation<'a> {
    pub(crate) method: &'static str,
    /// The route as a template, or nothing if no route was found.
    pub(crate) route: Option<&'a str>,
    pub(crate) status: u16,
    /// From the request until the start of the answer.
    pub(crate) time: Duration,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Refusal<'a> {
    /// The limit that had no room; nothing if it was not for a limit.
    pub(crate) limit: Option<&'a str>,
    pub(crate) outcome: &'static str,
}

impl<'a> Observation<'a> {
    pub(crate) fn new<B>(
        method: &Method,
        route: Option<&'a str>,
        response: &'a Response<B>,
        time: Duration,
    ) -> Self {
        Self {
            method: known(method),
            route,
            status: response.status().as_u16(),
            time,
            headers: response.headers(),
            extensions: response.extensions(),
        }
    }

    /// The code of the envelope, if the answer is one.
    pub(crate) fn code(&self) -> Option<&'a str> {
        self.header("x-error-code")
    }

    /// The name under which a client may ask about the request.
    pub(crate) fn trace_id(&self) -> Option<&'a str> {
        self.header("x-trace-id")
    }

    /// What the cache did, on routes that have one.
    pub(crate) fn cache(&self) -> Option<&'a CacheDecision> {
        self.extensions.get()
    }

    /// Why the limiter refused, if it did.
    pub(crate) fn refusal(&self) -> Option<Refusal<'a>> {
        let decision: &Decision = self.extensions.get()?;
        let outcome = match decision.outcome() {
            Outcome::Allowed => return None,
            Outcome::Refused => {
                let limit = decision.tightest().map(LimitState::name);
                return Some(Refusal {
                    limit,
                    outcome: "refused",
                });
            }
            Outcome::Unavailable => "unavailable",
            Outcome::Banned => "banned",
            Outcome::Denied => "denied",
            _ => "other",
        };
        Some(Refusal {
            limit: None,
            outcome,
        })
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The method, as long as it is one that anybody knows; clients may make up others.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_clients_make_up_are_one() {
        for name in ["BREW", "get", "PROPFIND"] {
            assert_eq!(known(&name.parse().unwrap()), "other");
        }
        assert_eq!(known(&Method::GET), "GET");
    }

    #[test]
    fn an_answer_that_nothing_stood_in_the_way_of_is_no_refusal() {
        let response = Response::new(());
        let observation = Observation::new(&Method::GET, None, &response, Duration::ZERO);
        assert_eq!(observation.refusal(), None);
        assert_eq!(observation.code(), None);
    }
}
