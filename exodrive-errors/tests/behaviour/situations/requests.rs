//! Kinds of requests, and everything that is no failure.

use super::*;

pub(super) fn kinds_of_requests() -> Vec<Case> {
    let problem = |accept: &'static str| get().header("accept", accept);
    vec![
        case(
            "a client that asks for a problem",
            problem("application/problem+json"),
            || api(ApiError::new(OUT_OF_CARS)),
            409,
            Envelope(
                "OUT_OF_CARS",
                vec![
                    ("content-type", json!("application/problem+json")),
                    ("/type", json!("about:blank")),
                    ("/title", json!("Conflict")),
                    ("/detail", json!("No car left")),
                    ("/status", json!(409)),
                ],
            ),
        ),
        case(
            "a client that accepts anything",
            problem("*/*"),
            || api(ApiError::new(OUT_OF_CARS)),
            409,
            Envelope(
                "OUT_OF_CARS",
                vec![("content-type", json!("application/json"))],
            ),
        ),
        case(
            "a client that accepts only pictures",
            problem("image/png"),
            || foreign(404, &[], ""),
            404,
            Envelope(
                "NOT_FOUND",
                vec![("content-type", json!("application/json"))],
            ),
        ),
        case(
            "a client that refuses problems",
            problem("application/problem+json;q=0, text/html"),
            || foreign(404, &[], ""),
            404,
            Envelope(
                "NOT_FOUND",
                vec![("content-type", json!("application/json"))],
            ),
        ),
        case(
            "a gRPC request",
            Request::post("/cars.Cars/Get").header("content-type", "application/grpc+proto"),
            || foreign(503, &[("grpc-status", "14")], ""),
            503,
            Passed(""),
        ),
        case(
            "a gRPC-web request refused with text",
            Request::post("/cars.Cars/Get").header("content-type", "application/grpc-web"),
            || foreign(429, &[TEXT], "slow down"),
            429,
            Passed("slow down"),
        ),
        case(
            "a gRPC response",
            get(),
            || foreign(500, &[("content-type", "application/grpc")], ""),
            500,
            Passed(""),
        ),
    ]
}

pub(super) fn successes() -> Vec<Case> {
    vec![
        case(
            "a success",
            get(),
            || foreign(200, &[TEXT], "car"),
            200,
            Passed("car"),
        ),
        case(
            "no content",
            get(),
            || foreign(204, &[], ""),
            204,
            Passed(""),
        ),
        case(
            "a redirect",
            get(),
            || foreign(302, &[("location", "/")], ""),
            302,
            Passed(""),
        ),
        case(
            "not modified",
            get(),
            || foreign(304, &[("etag", "\"1\"")], ""),
            304,
            Passed(""),
        ),
        case(
            "an upgrade",
            get()
                .header("upgrade", "websocket")
                .header("connection", "upgrade"),
            || foreign(101, &[("upgrade", "websocket")], ""),
            101,
            Passed(""),
        ),
        case(
            "a refused upgrade",
            get()
                .header("upgrade", "websocket")
                .header("connection", "upgrade"),
            || foreign(426, &[("upgrade", "websocket")], ""),
            426,
            Envelope("INVALID_REQUEST", vec![("upgrade", json!("websocket"))]),
        ),
        case(
            "a tunnel",
            Request::connect("cars.example:443"),
            || foreign(200, &[], ""),
            200,
            Passed(""),
        ),
    ]
}
