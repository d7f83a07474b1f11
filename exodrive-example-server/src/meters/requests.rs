use metrics::{counter, histogram};

use super::Observation;

pub(super) const SECONDS: &str = "exodrive_http_request_seconds";
pub(super) const ERRORS: &str = "exodrive_http_errors_total";
pub(super) const REFUSALS: &str = "exodrive_http_refusals_total";

const NO_ROUTE: &str = "none";
const NO_LIMIT: &str = "none";

/// Takes note of an answer.
pub(super) fn record(observation: &Observation<'_>) {
    let route = observation.route.unwrap_or(NO_ROUTE);
    histogram!(
        SECONDS,
        "method" => observation.method,
        "route" => route.to_owned(),
        "status" => observation.status.to_string(),
    )
    .record(observation.time);
    if let Some(code) = observation.code() {
        counter!(ERRORS, "route" => route.to_owned(), "code" => code.to_owned()).increment(1);
    }
    if let Some(refusal) = observation.refusal() {
        let limit = refusal.limit.unwrap_or(NO_LIMIT).to_owned();
        counter!(REFUSALS, "limit" => limit, "outcome" => refusal.outcome).increment(1);
    }
}
