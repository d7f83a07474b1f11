//! Responses that something else wrote.

use super::*;

pub(super) fn empty_foreign_bodies() -> Vec<Case> {
    [
        ("an empty 400", 400, "INVALID_REQUEST"),
        ("an empty 401", 401, "UNAUTHORIZED"),
        (
            "an empty 402, which has no code of its own",
            402,
            "INVALID_REQUEST",
        ),
        ("an empty 403", 403, "FORBIDDEN"),
        ("an empty 404", 404, "NOT_FOUND"),
        ("an empty 405", 405, "METHOD_NOT_ALLOWED"),
        ("an empty 406", 406, "NOT_ACCEPTABLE"),
        ("an empty 408", 408, "REQUEST_TIMEOUT"),
        ("an empty 409", 409, "CONFLICT"),
        ("an empty 410", 410, "GONE"),
        ("an empty 412", 412, "PRECONDITION_FAILED"),
        ("an empty 413", 413, "PAYLOAD_TOO_LARGE"),
        ("an empty 415", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("an empty 418", 418, "INVALID_REQUEST"),
        ("an empty 422", 422, "VALIDATION_ERROR"),
        ("an empty 429", 429, "RATE_LIMITED"),
        ("an empty 431", 431, "INVALID_REQUEST"),
        ("an empty 500", 500, "INTERNAL_ERROR"),
        ("an empty 501", 501, "INTERNAL_ERROR"),
        ("an empty 502", 502, "EXTERNAL_SERVICE_ERROR"),
        ("an empty 503", 503, "SERVICE_UNAVAILABLE"),
        ("an empty 504", 504, "INTERNAL_ERROR"),
        ("an empty 599", 599, "INTERNAL_ERROR"),
    ]
    .into_iter()
    .map(|(name, status, code)| {
        case(
            name,
            get(),
            move || foreign(status, &[], ""),
            status,
            Envelope(code, vec![]),
        )
    })
    .collect()
}

pub(super) fn foreign_text() -> Vec<Case> {
    let message = |text: &str| vec![("/error/message", json!(text))];
    vec![
        case(
            "text of a 4xx becomes the message",
            get(),
            || foreign(400, &[TEXT], "Please name a city"),
            400,
            Envelope("INVALID_REQUEST", message("Please name a city")),
        ),
        case(
            "text of a 4xx in capitals",
            get(),
            || foreign(400, &[("content-type", "TEXT/PLAIN")], "Please name a city"),
            400,
            Envelope("INVALID_REQUEST", message("Please name a city")),
        ),
        case(
            "text of several lines becomes one",
            get(),
            || foreign(400, &[TEXT], "  one\r\n\ttwo\u{1b}[2J \n"),
            400,
            Envelope("INVALID_REQUEST", message("one two [2J")),
        ),
        case(
            "blank text",
            get(),
            || foreign(403, &[TEXT], " \n "),
            403,
            Envelope("FORBIDDEN", message("You are not allowed to do this")),
        ),
        case(
            "text that is not UTF-8",
            get(),
            || {
                let body = Full::new(Bytes::from_static(b"\xff\xfe"));
                Ok(Response::builder()
                    .status(403)
                    .header(TEXT.0, TEXT.1)
                    .body(body)
                    .unwrap())
            },
            403,
            Envelope("FORBIDDEN", message("You are not allowed to do this")),
        ),
        case(
            "text of exactly 8 KiB",
            get(),
            || {
                let body = Full::new(Bytes::from("x".repeat(8 * 1024)));
                Ok(Response::builder()
                    .status(403)
                    .header(TEXT.0, TEXT.1)
                    .body(body)
                    .unwrap())
            },
            403,
            Envelope("FORBIDDEN", message(&"x".repeat(8 * 1024))),
        ),
        case(
            "text of more than 8 KiB",
            get(),
            || {
                let body = Full::new(Bytes::from("x".repeat(8 * 1024 + 1)));
                Ok(Response::builder()
                    .status(403)
                    .header(TEXT.0, TEXT.1)
                    .body(body)
                    .unwrap())
            },
            403,
            Envelope("FORBIDDEN", message("You are not allowed to do this")),
        ),
        case(
            "compressed text is not read",
            get(),
            || foreign(403, &[TEXT, ("content-encoding", "gzip")], "pretend"),
            403,
            Envelope("FORBIDDEN", message("You are not allowed to do this")),
        ),
        case(
            "text of a 5xx stays inside",
            get(),
            || foreign(500, &[TEXT], "panicked at src/db.rs"),
            500,
            Envelope("INTERNAL_ERROR", message("An unexpected error occurred")),
        ),
        case(
            "text of a 502 stays inside",
            get(),
            || foreign(502, &[TEXT], "upstream 10.0.0.7 refused"),
            502,
            Envelope(
                "EXTERNAL_SERVICE_ERROR",
                message("A service we depend on did not answer, please try again later"),
            ),
        ),
    ]
}

pub(super) fn foreign_documents() -> Vec<Case> {
    vec![
        case(
            "JSON of another service",
            get(),
            || foreign(409, &[JSON], r#"{"reason":"taken"}"#),
            409,
            Passed(r#"{"reason":"taken"}"#),
        ),
        case(
            "JSON of a proxied service that failed",
            get(),
            || foreign(502, &[JSON], r#"{"upstream":"down"}"#),
            502,
            Passed(r#"{"upstream":"down"}"#),
        ),
        case(
            "a health report with 503",
            get(),
            || foreign(503, &[JSON], r#"{"redis":"down"}"#),
            503,
            Passed(r#"{"redis":"down"}"#),
        ),
        case(
            "a problem of another service",
            get(),
            || foreign(404, &[("content-type", "application/problem+json")], "{}"),
            404,
            Passed("{}"),
        ),
        case(
            "a page for people",
            get(),
            || foreign(404, &[("content-type", "text/html")], "<h1>Gone</h1>"),
            404,
            Passed("<h1>Gone</h1>"),
        ),
        case(
            "bytes of no declared type",
            get(),
            || foreign(500, &[], "bytes"),
            500,
            Passed("bytes"),
        ),
        case(
            "a type that only starts like text/plain",
            get(),
            || foreign(400, &[("content-type", "text/plainish")], "x"),
            400,
            Passed("x"),
        ),
        case(
            "a type of JSON and no bytes",
            get(),
            || foreign(500, &[JSON], ""),
            500,
            Envelope("INTERNAL_ERROR", vec![]),
        ),
        case(
            "a type of HTML and no bytes",
            get(),
            || foreign(404, &[("content-type", "text/html")], ""),
            404,
            Envelope("NOT_FOUND", vec![]),
        ),
    ]
}

pub(super) fn headers_of_foreign_responses() -> Vec<Case> {
    vec![
        case(
            "a refusal with Retry-After in seconds",
            get(),
            || foreign(429, &[("retry-after", "37")], ""),
            429,
            Envelope(
                "RATE_LIMITED",
                vec![
                    ("/error/details", json!({"retryAfter": 37})),
                    (
                        "/error/message",
                        json!("Too many requests, please try again later"),
                    ),
                    ("retry-after", json!("37")),
                ],
            ),
        ),
        case(
            "a body limit that says when to come back",
            get(),
            || foreign(413, &[TEXT, ("retry-after", "60")], "length limit exceeded"),
            413,
            Envelope(
                "PAYLOAD_TOO_LARGE",
                vec![
                    ("/error/details", json!({"retryAfter": 60})),
                    ("/error/message", json!("length limit exceeded")),
                ],
            ),
        ),
        case(
            "a timeout that says when to come back",
            get(),
            || foreign(408, &[("retry-after", "5")], ""),
            408,
            Envelope(
                "REQUEST_TIMEOUT",
                vec![("/error/details", json!({"retryAfter": 5}))],
            ),
        ),
        case(
            "a refusal with Retry-After of zero",
            get(),
            || foreign(429, &[("retry-after", "0")], ""),
            429,
            Envelope(
                "RATE_LIMITED",
                vec![("/error/details/retryAfter", json!(1))],
            ),
        ),
        case(
            "a refusal with a date long past",
            get(),
            || foreign(503, &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], ""),
            503,
            Envelope(
                "SERVICE_UNAVAILABLE",
                vec![
                    ("/error/details/retryAfter", json!(1)),
                    ("retry-after", json!("Sun, 06 Nov 1994 08:49:37 GMT")),
                ],
            ),
        ),
        case(
            "a refusal with a Retry-After nobody can read",
            get(),
            || foreign(429, &[("retry-after", "soon")], ""),
            429,
            Envelope(
                "RATE_LIMITED",
                vec![
                    ("/error/details", Value::Null),
                    ("retry-after", json!("soon")),
                ],
            ),
        ),
        case(
            "headers that speak of the response are kept",
            get(),
            || {
                let kept = [
                    ("allow", "GET"),
                    ("access-control-allow-origin", "*"),
                    ("ratelimit", "\"ip\";r=0;t=37"),
                    ("vary", "origin"),
                    ("location", "/elsewhere"),
                ];
                foreign(405, &kept, "")
            },
            405,
            Envelope(
                "METHOD_NOT_ALLOWED",
                vec![
                    ("allow", json!("GET")),
                    ("access-control-allow-origin", json!("*")),
                    ("ratelimit", json!("\"ip\";r=0;t=37")),
                    ("vary", json!("origin")),
                    ("location", json!("/elsewhere")),
                ],
            ),
        ),
        case(
            "headers that speak of the old body are not",
            get(),
            || {
                let dropped = [
                    TEXT,
                    ("content-length", "3"),
                    ("etag", "\"old\""),
                    ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
                    ("content-language", "fr"),
                    ("content-disposition", "attachment"),
                    ("accept-ranges", "bytes"),
                    ("cache-control", "public, max-age=3600"),
                ];
                foreign(404, &dropped, "old")
            },
            404,
            Envelope(
                "NOT_FOUND",
                vec![
                    ("etag", Value::Null),
                    ("last-modified", Value::Null),
                    ("content-language", Value::Null),
                    ("content-disposition", Value::Null),
                    ("accept-ranges", Value::Null),
                ],
            ),
        ),
        case(
            "a trace id of the service inside gives way",
            get().header("x-trace-id", "asked-for"),
            || foreign(404, &[("x-trace-id", "made-inside")], ""),
            404,
            Envelope("NOT_FOUND", vec![("/error/traceId", json!("asked-for"))]),
        ),
    ]
}
