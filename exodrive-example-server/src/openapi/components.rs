//! What operations refer to.

use serde_json::{Value, json};

use crate::errors::CATALOGUE;

/// What the stack puts into every answer.
pub(super) const ALWAYS: &[&str] = &["x-trace-id"];

/// What the limiter puts into answers to requests that are charged to somebody.
pub(super) const LIMITED: &[&str] = &[
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// What the cache puts into answers of routes that have a policy.
pub(super) const CACHED: &[&str] = &["age", "cache-status", "x-cache"];

const RETRY_AFTER: &str = "retry-after";

/// Where operations find the header.
pub(super) fn header(name: &str) -> String {
    format!("#/components/headers/{name}")
}

/// The errors of the catalogue, the headers, and how to sign in.
pub(super) fn components() -> Value {
    let mut components = CATALOGUE.to_openapi();
    components["headers"] = headers();
    components["parameters"] = json!({
        "traceparent": {
            "name": "traceparent",
            "in": "header",
            "description": "The caller's trace (W3C Trace Context); the answer names it in x-trace-id",
            "schema": { "type": "string" },
            "example": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        },
    });
    components["securitySchemes"] = json!({
        "apiKey": { "type": "http", "scheme": "bearer", "description": "An API key" },
    });
    let responses = &mut components["responses"];
    for name in LIMITED {
        responses["Error429"]["headers"][name] = json!({ "$ref": header(name) });
    }
    for error in ["Error429", "Error503"] {
        responses[error]["headers"][RETRY_AFTER] = json!({ "$ref": header(RETRY_AFTER) });
    }
    components
}

fn headers() -> Value {
    let text = |description, example| json!({ "description": description, "schema": { "type": "string" }, "example": example });
    let whole = |description| json!({ "description": description, "schema": { "type": "integer", "minimum": 0 } });
    json!({
        "age": whole("Seconds since the answer was made (RFC 9111 section 5.1)"),
        "cache-status": text("What the cache did (RFC 9211)", "exodrive; hit; ttl=3540"),
        "ratelimit": text(
            "What is left of each limit, and the seconds until it is whole again",
            r#""public";r=59;t=60"#,
        ),
        "ratelimit-policy": text(
            "The limits that apply (draft-ietf-httpapi-ratelimit-headers-11)",
            r#""public";q=60;w=60"#,
        ),
        "retry-after": whole("Seconds to wait before trying again"),
        "x-cache": {
            "description": "What the cache did, in a word",
            "schema": { "type": "string", "enum": ["HIT", "STALE", "MISS", "BYPASS"] },
        },
        "x-ratelimit-limit": whole("How much the limit closest to its end admits in its window"),
        "x-ratelimit-remaining": whole("What is left of it"),
        "x-ratelimit-reset": whole("When it is whole again, in seconds since 1970"),
        "x-trace-id": text("The name of the request", "4bf92f3577b34da6a3ce929d0e0e4736"),
    })
}
