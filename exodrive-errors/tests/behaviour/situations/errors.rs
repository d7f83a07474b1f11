//! Errors of handlers, of other middleware and of the service itself.

use super::*;

pub(super) fn errors_of_handlers() -> Vec<Case> {
    vec![
        case(
            "a code",
            get(),
            || api(ErrorCode::FORBIDDEN.into()),
            403,
            Envelope("FORBIDDEN", vec![("/error/details", Value::Null)]),
        ),
        case(
            "a code of the application with its next step",
            get(),
            || api(ApiError::new(OUT_OF_CARS)),
            409,
            Envelope(
                "OUT_OF_CARS",
                vec![(
                    "/error/details",
                    json!({"help": {"steps": ["Try another city."]}}),
                )],
            ),
        ),
        case(
            "steps of the error replace those of the code",
            get(),
            || api(ApiError::new(OUT_OF_CARS).help("Wait.").help("Walk.")),
            409,
            Envelope(
                "OUT_OF_CARS",
                vec![("/error/details/help/steps", json!(["Wait.", "Walk."]))],
            ),
        ),
        case(
            "a message of its own",
            get(),
            || api(ApiError::new(OUT_OF_CARS).message("No \"car\"\n left")),
            409,
            Envelope(
                "OUT_OF_CARS",
                vec![("/error/message", json!("No \"car\"\n left"))],
            ),
        ),
        case(
            "details that are an object",
            get(),
            || api(ApiError::new(OUT_OF_CARS).details(json!({"city": "Oslo", "errors": 1}))),
            409,
            Envelope("OUT_OF_CARS", vec![("/error/details/city", json!("Oslo"))]),
        ),
        case(
            "details that are a list",
            get(),
            || api(ApiError::new(ErrorCode::CONFLICT).details([1, 2])),
            409,
            Envelope(
                "CONFLICT",
                vec![("/error/details", json!({"value": [1, 2]}))],
            ),
        ),
        case(
            "details that are nothing",
            get(),
            || api(ApiError::new(ErrorCode::CONFLICT).details(())),
            409,
            Envelope("CONFLICT", vec![("/error/details", Value::Null)]),
        ),
        case(
            "details that cannot be JSON",
            get(),
            || {
                let map = std::collections::HashMap::from([(vec![1], 2)]);
                api(ApiError::new(ErrorCode::CONFLICT).details(map))
            },
            409,
            Envelope("CONFLICT", vec![("/error/details", Value::Null)]),
        ),
        case(
            "details of more than 8 KiB",
            get(),
            || {
                let error = ApiError::new(ErrorCode::VALIDATION_ERROR)
                    .details(json!({"big": "x".repeat(8 * 1024), "small": 1}));
                api(error.violation(FieldViolation::query("page", "REQUIRED", "")))
            },
            422,
            Envelope(
                "VALIDATION_ERROR",
                vec![
                    ("/error/details/big", Value::Null),
                    ("/error/details/small", json!(1)),
                    ("/error/details/errors/0/pointer", json!("/page")),
                ],
            ),
        ),
        case(
            "violations",
            get(),
            || {
                let first =
                    FieldViolation::body("/items/0/name", "REQUIRED", "Please enter a name");
                let second = FieldViolation::query("page", "TOO_SMALL", "Pages start at 1");
                api(ApiError::new(ErrorCode::VALIDATION_ERROR).violations([first, second]))
            },
            422,
            Envelope(
                "VALIDATION_ERROR",
                vec![(
                    "/error/details/errors",
                    json!([
                        {"pointer": "/items/0/name", "in": "body", "code": "REQUIRED", "message": "Please enter a name"},
                        {"pointer": "/page", "in": "query", "code": "TOO_SMALL", "message": "Pages start at 1"},
                    ]),
                )],
            ),
        ),
        case(
            "a wait, rounded up",
            get(),
            || {
                let wait = Duration::from_millis(36_001);
                api(ApiError::new(ErrorCode::RATE_LIMITED).retry_after(wait))
            },
            429,
            Envelope(
                "RATE_LIMITED",
                vec![
                    ("retry-after", json!("37")),
                    ("/error/details/retryAfter", json!(37)),
                ],
            ),
        ),
        case(
            "headers of the error",
            get(),
            || {
                let bearer = HeaderValue::from_static("Bearer");
                let no_cache = HeaderValue::from_static("private, max-age=5");
                api(ApiError::new(ErrorCode::UNAUTHORIZED)
                    .header(header::WWW_AUTHENTICATE, bearer)
                    .header(
                        HeaderName::from_static("x-own"),
                        HeaderValue::from_static("1"),
                    )
                    .header(header::CACHE_CONTROL, no_cache))
            },
            401,
            Envelope(
                "UNAUTHORIZED",
                vec![
                    ("www-authenticate", json!("Bearer")),
                    ("x-own", json!("1")),
                    ("cache-control", json!("private, max-age=5")),
                ],
            ),
        ),
        case(
            "a source stays inside",
            get(),
            || api(ApiError::new(ErrorCode::DATABASE_ERROR).source("relation cars does not exist")),
            500,
            Envelope("DATABASE_ERROR", vec![("/error/details", Value::Null)]),
        ),
        case(
            "a success claimed over an error",
            get(),
            || {
                let mut response: TestResponse = ApiError::new(OUT_OF_CARS).into();
                *response.status_mut() = StatusCode::CREATED;
                Ok(response)
            },
            409,
            Envelope("OUT_OF_CARS", vec![]),
        ),
        case(
            "another failure claimed over an error",
            get(),
            || {
                let mut response: TestResponse = ApiError::new(OUT_OF_CARS).into();
                *response.status_mut() = StatusCode::GONE;
                Ok(response)
            },
            410,
            Envelope("OUT_OF_CARS", vec![]),
        ),
        case(
            "a header added on the way out",
            get(),
            || {
                let mut response: TestResponse = ApiError::new(OUT_OF_CARS).into();
                let cookie = HeaderValue::from_static("a=1");
                response.headers_mut().insert(header::SET_COOKIE, cookie);
                Ok(response)
            },
            409,
            Envelope("OUT_OF_CARS", vec![("set-cookie", json!("a=1"))]),
        ),
    ]
}

pub(super) fn values_of_other_middleware() -> Vec<Case> {
    let empty = |status: u16| {
        Response::builder()
            .status(status)
            .body(Full::default())
            .unwrap()
    };
    vec![
        case(
            "a value the application registered",
            get(),
            move || with_extension(empty(429), Refusal { limit: 60 }),
            429,
            Envelope(
                "RATE_LIMITED",
                vec![("/error/details", json!({"limit": 60}))],
            ),
        ),
        case(
            "a registered value beside a Retry-After header",
            get(),
            move || {
                let mut response = empty(429);
                let wait = HeaderValue::from_static("9");
                response.headers_mut().insert(header::RETRY_AFTER, wait);
                with_extension(response, Refusal { limit: 60 })
            },
            429,
            Envelope(
                "RATE_LIMITED",
                vec![("/error/details", json!({"limit": 60, "retryAfter": 9}))],
            ),
        ),
        case(
            "a registered value decides the status",
            get(),
            move || with_extension(empty(400), Refusal { limit: 60 }),
            429,
            Envelope("RATE_LIMITED", vec![]),
        ),
        case(
            "a registered value beside a body that would pass",
            get(),
            || with_extension(foreign(429, &[JSON], "{}").unwrap(), Refusal { limit: 60 }),
            429,
            Envelope("RATE_LIMITED", vec![]),
        ),
        case(
            "a registered value on a success means nothing",
            get(),
            || with_extension(foreign(200, &[], "car").unwrap(), Refusal { limit: 60 }),
            200,
            Passed("car"),
        ),
    ]
}

pub(super) fn service_errors_and_panics() -> Vec<Case> {
    vec![
        case(
            "a service error",
            get(),
            || Err("connection reset by db.internal".into()),
            500,
            Envelope("INTERNAL_ERROR", vec![("/error/details", Value::Null)]),
        ),
        case(
            "a service error the application mapped",
            get(),
            || Err(PoolExhausted.into()),
            503,
            Envelope(
                "SERVICE_UNAVAILABLE",
                vec![("/error/details/retryAfter", json!(2))],
            ),
        ),
        case(
            "a mapped error deep among the sources",
            get(),
            || Err(QueryFailed(QueryFailed(PoolExhausted.into()).into()).into()),
            503,
            Envelope("SERVICE_UNAVAILABLE", vec![]),
        ),
        case(
            "an error of the API as a service error",
            get(),
            || Err(ApiError::new(OUT_OF_CARS).into()),
            409,
            Envelope("OUT_OF_CARS", vec![]),
        ),
        case(
            "an error of the API among the sources",
            get(),
            || Err(QueryFailed(ApiError::new(OUT_OF_CARS).into()).into()),
            409,
            Envelope("OUT_OF_CARS", vec![]),
        ),
        case(
            "a panic with text",
            get(),
            || panic!("a panic on purpose"),
            500,
            Envelope("INTERNAL_ERROR", vec![("/error/details", Value::Null)]),
        ),
        case(
            "a panic with something else",
            get(),
            || std::panic::panic_any(7),
            500,
            Envelope("INTERNAL_ERROR", vec![]),
        ),
    ]
}
