//! The guide in `docs/errors.md` says what the catalogue says.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::env;
use std::fs;

use exodrive_errors::ErrorEnvelope;
use exodrive_example_server::errors::{CAR_UNAVAILABLE, CATALOGUE};
use exodrive_example_server::stack::SUPPORT;

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md");
const UPDATE: &str = "UPDATE_GUIDES";

#[test]
fn the_guide_is_that_of_the_catalogue() {
    let guide = guide();
    if env::var_os(UPDATE).is_some() {
        fs::write(GUIDE, &guide).unwrap();
    }
    let committed = fs::read_to_string(GUIDE).unwrap_or_default();
    assert!(
        committed == guide,
        "{GUIDE} is out of date; write it again with\n\
         {UPDATE}=1 cargo test -p exodrive-example-server --test error_guide"
    );
}

fn guide() -> String {
    let example = example();
    let codes = CATALOGUE.to_markdown();
    format!(
        r#"<!-- Written from the catalogue of codes by tests/error_guide.rs, which says how to write it again. -->

# Errors

Whatever goes wrong, this API answers with the status that HTTP has for it and with one JSON document, the envelope:

```json
{example}
```

| member | |
|---|---|
| `error.code` | what happened, for programs; a published code keeps its meaning, and new ones may appear |
| `error.message` | what happened, for people; its words may change, so do not compare them |
| `error.details` | what else there is to say; only there when there is something |
| `error.details.errors` | which values are not valid: a JSON pointer, the part of the request it points into, a code, a message |
| `error.details.help` | what to do next, and how to reach support |
| `error.details.retryAfter` | how many seconds to wait before trying again |
| `error.timestamp` | when it happened, in UTC |
| `error.traceId` | the name of the request |
| `status` | the status, once more |

Codes add members of their own to `details`: `RATE_LIMITED` names the `limit` that is used up. Ignore members you do not know.
The headers `x-error-code`, `x-trace-id` and `retry-after` say the same, for instance in answers to `HEAD`, which have no body.
A client that sends `Accept: application/problem+json` gets the same document as an RFC 9457 problem.

## Values that are not valid

A `VALIDATION_ERROR` lists every value that is not valid, not only the first:

```json
{{"pointer": "/from", "in": "body", "code": "INVALID", "message": "must not be in the past, the first day you can book is 2026-03-01"}}
```

`in` is `body`, `query`, `path` or `header`. Show each message beside the field that `pointer` names.

## Trying again

Try again when `details.retryAfter` says how long to wait, and not before.
Without it, try again only where the table below says so: after a second, then after twice as long each time, at most a minute, and
not for longer than a person would wait. Vary each wait at random, so that many clients do not return at once.

A request that reads may always be repeated. One that books may not: when its answer is lost the car may have been booked, and the
next attempt is told `CAR_UNAVAILABLE`.

Every other failure stays the same until the request is changed.

## Trace ids and support

Every answer, success or not, carries `x-trace-id`. Send `traceparent` (W3C Trace Context), or an `x-trace-id` of 8 to 64
characters out of `A-Z a-z 0-9 . _ -`, and the answer carries yours; otherwise the API makes one.

If an answer with a status of 500 or above comes back however often you try, write to {SUPPORT} and name the trace id: it leads to
everything that was logged about the request. Never send your API key.

## Codes

`GET /errors` serves this table as JSON. Where there is no next step, the message says what to do.

{codes}"#
    )
}

/// An envelope, with its members in the order they are sent.
fn example() -> String {
    let document = CATALOGUE.to_openapi();
    let name = CAR_UNAVAILABLE.name();
    let status = CAR_UNAVAILABLE.status().as_u16();
    let pointer =
        format!("/responses/Error{status}/content/application~1json/examples/{name}/value");
    let example: &serde_json::Value = document.pointer(&pointer).unwrap();
    let envelope: ErrorEnvelope = serde_json::from_value(example.clone()).unwrap();
    serde_json::to_string_pretty(&envelope).unwrap()
}
