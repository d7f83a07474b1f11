//! An axum service whose every failure is one envelope: `cargo run -p exodrive-errors --example envelope --features axum`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example stops where it fails and shows what it got"
)]

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::get;
use axum::routing::post;
use exodrive_errors::ApiError;
use exodrive_errors::ErrorCode;
use exodrive_errors::ErrorEnvelope;
use exodrive_errors::ErrorLayer;
use exodrive_errors::FieldViolation;
use http::Request;
use http::StatusCode;
use http_body_util::BodyExt;
use tower::ServiceExt;

const CAR_UNAVAILABLE: ErrorCode = ErrorCode::new("CAR_UNAVAILABLE", StatusCode::CONFLICT)
    .message("This car is already booked for these dates")
    .help("Choose other dates or another car.");

#[derive(serde::Deserialize)]
struct NewBooking {
    car: u32,
    days: u32,
}

/// The rejection of an extractor becomes an `ApiError` with `via` and `rejection`.
#[derive(axum::extract::FromRequest)]
#[from_request(via(Json), rejection(ApiError))]
struct ApiJson<T>(T);

async fn book(ApiJson(booking): ApiJson<NewBooking>) -> Result<StatusCode, ApiError> {
    if booking.days == 0 {
        let violation = FieldViolation::body("/days", "TOO_SMALL", "Please book at least one day");
        return Err(ApiError::new(ErrorCode::VALIDATION_ERROR).violation(violation));
    }
    if booking.car == 7 {
        return Err(ApiError::new(CAR_UNAVAILABLE));
    }
    Ok(StatusCode::CREATED)
}

async fn car(Path(id): Path<u32>) -> Result<String, ApiError> {
    match id {
        1 => Ok("a car".into()),
        2 => panic!("the engine is on fire"),
        _ => Err(ApiError::new(ErrorCode::NOT_FOUND)),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let app = Router::new()
        .route("/cars/{id}", get(car))
        .route("/bookings", post(book))
        .layer(ErrorLayer::new().support("support@example.com"));

    for (method, path, body, status, code) in [
        ("GET", "/cars/1", "", 200, None),
        ("GET", "/cars/2", "", 500, Some("INTERNAL_ERROR")),
        ("GET", "/cars/3", "", 404, Some("NOT_FOUND")),
        ("GET", "/cars/x", "", 400, Some("INVALID_REQUEST")),
        ("GET", "/planes", "", 404, Some("NOT_FOUND")),
        ("PUT", "/bookings", "", 405, Some("METHOD_NOT_ALLOWED")),
        ("POST", "/bookings", r#"{"car": 1, "days": 2}"#, 201, None),
        (
            "POST",
            "/bookings",
            r#"{"car": 7, "days": 2}"#,
            409,
            Some("CAR_UNAVAILABLE"),
        ),
        (
            "POST",
            "/bookings",
            r#"{"car": 1, "days": 0}"#,
            422,
            Some("VALIDATION_ERROR"),
        ),
        (
            "POST",
            "/bookings",
            r#"{"car": 1}"#,
            422,
            Some("VALIDATION_ERROR"),
        ),
        ("POST", "/bookings", "{", 400, Some("INVALID_REQUEST")),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        println!(
            "{method} {path}: {} {}",
            parts.status,
            String::from_utf8_lossy(&bytes)
        );

        assert_eq!(parts.status, status);
        assert!(parts.headers.contains_key("x-trace-id"));
        let envelope = code.map(|_| ErrorEnvelope::from_response_parts(&parts, &bytes));
        assert_eq!(envelope.as_ref().map(ErrorEnvelope::code), code);
    }
}
