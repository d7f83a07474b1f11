//! What every answer has to be, whatever was asked.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::kind::Kind;

const OF_LIMITS: [&str; 5] = [
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Whether it was made without its handler.
    pub(crate) fn is_hit(&self) -> bool {
        matches!(self.header("x-cache"), Some("HIT" | "STALE"))
    }

    pub(crate) fn json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| format!("no JSON: {error}"))
    }

    /// Checks the status, which counts with the features on and off.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn check_status(&self, kind: Kind) -> Result<(), String> {
        if kind.expects(self.status) {
            return Ok(());
        }
        let body = String::from_utf8_lossy(&self.body);
        Err(format!("{}: {body}", self.status))
    }

    /// Checks what the features promise: an envelope if it is an error, headers of the limits in any case.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub(crate) fn check_promises(&self) -> Result<(), String> {
        for name in OF_LIMITS {
            self.required(name)?;
        }
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            self.required("retry-after")?;
        }
        let trace_id = self.required("x-trace-id")?;
        if self.status.is_client_error() || self.status.is_server_error() {
            let code = self.required("x-error-code")?;
            let body = self.json()?;
            let is_envelope = body["status"] == self.status.as_u16()
                && body["error"]["code"] == code
                && body["error"]["traceId"] == trace_id;
            if !is_envelope {
                return Err(format!("{} is no envelope: {body}", self.status));
            }
        }
        Ok(())
    }

    fn required(&self, name: &str) -> Result<&str, String> {
        self.header(name)
            .ok_or_else(|| format!("{} without {name}", self.status))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn refusal() -> Answer {
        let mut headers = HeaderMap::new();
        for name in OF_LIMITS.into_iter().chain(["retry-after"]) {
            headers.insert(name, HeaderValue::from_static("1"));
        }
        headers.insert("x-trace-id", HeaderValue::from_static("abc"));
        headers.insert("x-error-code", HeaderValue::from_static("RATE_LIMITED"));
        let body = json!({ "status": 429, "error": { "code": "RATE_LIMITED", "traceId": "abc" } });
        Answer {
            status: StatusCode::TOO_MANY_REQUESTS,
            headers,
            body: body.to_string().into(),
        }
    }

    #[test]
    fn accepts_an_envelope_with_every_header() {
        assert_eq!(refusal().check_promises(), Ok(()));
        assert_eq!(refusal().check_status(Kind::Greedy), Ok(()));
    }

    #[test]
    fn misses_each_header_that_is_not_there() {
        for name in OF_LIMITS.into_iter().chain(["retry-after", "x-trace-id"]) {
            let mut answer = refusal();
            answer.headers.remove(name);
            let wrong = answer.check_promises().unwrap_err();
            assert!(wrong.ends_with(name), "{wrong}");
        }
    }

    #[test]
    fn takes_no_other_body_for_an_envelope() {
        for body in [
            json!({ "status": 429 }),
            json!({ "status": 429, "error": { "code": "OTHER", "traceId": "abc" } }),
            json!({ "status": 429, "error": { "code": "RATE_LIMITED", "traceId": "x" } }),
            json!({ "status": 500, "error": { "code": "RATE_LIMITED", "traceId": "abc" } }),
        ] {
            let mut answer = refusal();
            answer.body = body.to_string().into();
            assert!(answer.check_promises().is_err(), "{body}");
        }
    }

    #[test]
    fn refuses_a_status_that_was_not_asked_for() {
        let wrong = refusal().check_status(Kind::Car).unwrap_err();
        assert!(wrong.starts_with("429"), "{wrong}");
    }
}
