//! axum: responses, extractors and the router's own failures.

use axum::Extension;
use axum::Form;
use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::FromRequest;
use axum::extract::FromRequestParts;
use axum::extract::Path;
use axum::extract::Query;
use axum::routing::get;
use axum::routing::post;
use bytes::Bytes;
use exodrive_errors::ApiError;
use exodrive_errors::ErrorCode;
use exodrive_errors::ErrorLayer;
use http::Request;
use http::StatusCode;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use tower::ServiceExt;

use crate::support::Answer;
use crate::support::Captured;

#[derive(FromRequest)]
#[from_request(via(Json), rejection(ApiError))]
struct ApiJson<T>(T);

#[derive(FromRequest)]
#[from_request(via(Form), rejection(ApiError))]
struct ApiForm<T>(T);

#[derive(FromRequestParts)]
#[from_request(via(Query), rejection(ApiError))]
struct ApiQuery<T>(T);

#[derive(FromRequestParts)]
#[from_request(via(Path), rejection(ApiError))]
struct ApiPath<T>(T);

#[derive(FromRequestParts)]
#[from_request(via(Extension), rejection(ApiError))]
struct ApiExtension<T>(T);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Booking {
    #[serde(rename = "items/all")]
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    days: u8,
    kind: Kind,
}

#[derive(Deserialize)]
enum Kind {
    Small,
    Large,
    Special { seats: u8 },
}

#[derive(Deserialize)]
struct Page {
    page: u32,
}

#[derive(Clone)]
struct Missing;

async fn book(ApiJson(booking): ApiJson<Booking>) -> StatusCode {
    let small = booking
        .items
        .iter()
        .filter(|item| matches!(item.kind, Kind::Small | Kind::Special { seats: 0..3 }));
    match small.map(|item| item.days).next() {
        Some(_) => StatusCode::CREATED,
        None => StatusCode::ACCEPTED,
    }
}

async fn car(ApiPath(id): ApiPath<u32>) -> String {
    id.to_string()
}

async fn search(ApiQuery(page): ApiQuery<Page>) -> String {
    page.page.to_string()
}

async fn form(ApiForm(page): ApiForm<Page>) -> String {
    page.page.to_string()
}

fn app() -> Router {
    Router::new()
        .route("/bookings", post(book))
        .route("/cars/{id}", get(car))
        .route(
            "/pairs/{a}/{b}",
            get(|ApiPath((a, b)): ApiPath<(u8, u8)>| async move { format!("{a}{b}") }),
        )
        .route("/search", get(search))
        .route("/form", get(form).post(form))
        .route(
            "/large",
            post(|_: Result<Bytes, axum::extract::rejection::BytesRejection>| async {}),
        )
        .route(
            "/missing",
            get(|ApiExtension(Missing): ApiExtension<Missing>| async {}),
        )
        .route(
            "/params",
            get(|ApiPath((_, _)): ApiPath<(u8, u8)>| async {}),
        )
        .route(
            "/refused",
            get(|| async { Err::<(), _>(ApiError::new(ErrorCode::CONFLICT).source("why")) }),
        )
        .route(
            "/overwritten",
            get(|| async { (StatusCode::CREATED, ApiError::new(ErrorCode::CONFLICT)) }),
        )
        .layer(ErrorLayer::new())
}

async fn send(method: &str, path: &str, content_type: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", content_type)
        .body(Body::from(body.to_owned()))
        .unwrap();
    let (parts, body) = app().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { parts, body }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_json_rejection_points_at_the_place_and_repeats_no_value() {
    for (body, pointer, code, message) in [
        (
            r#"{"items/all": [{"days": "s3cret", "kind": "Large"}]}"#,
            "/items~1all/0/days",
            "INVALID_TYPE",
            "This value is not valid, expected u8",
        ),
        (
            r#"{"items/all": [{"days": "a, expected b", "kind": "Large"}]}"#,
            "/items~1all/0/days",
            "INVALID_TYPE",
            "This value is not valid, expected u8",
        ),
        (
            r#"{"items/all": [{"days": 300, "kind": "Large"}]}"#,
            "/items~1all/0/days",
            "INVALID_VALUE",
            "This value is not valid, expected u8",
        ),
        (
            r#"{"items/all": [{"days": 1}]}"#,
            "/items~1all/0/kind",
            "REQUIRED",
            "This value is required",
        ),
        (
            r#"{"items/all": [{"days": 1, "kind": "Huge"}]}"#,
            "/items~1all/0/kind",
            "INVALID_VALUE",
            "This value is not valid, expected one of `Small`, `Large`, `Special`",
        ),
        (
            r#"{"items/all": [], "s3cret": 1}"#,
            "/s3cret",
            "UNKNOWN_FIELD",
            "This field is not known here",
        ),
        (
            r#"{"items/all": [], "items/all": []}"#,
            "/items~1all",
            "DUPLICATE_FIELD",
            "This field is there more than once",
        ),
        (
            r#"{"items/all": [{"days": 1, "kind": {"Special": {"seats": "s3cret"}}}]}"#,
            "/items~1all/0/kind/Special/seats",
            "INVALID_TYPE",
            "This value is not valid, expected u8",
        ),
        ("{}", "/items~1all", "REQUIRED", "This value is required"),
        (
            "7",
            "",
            "INVALID_TYPE",
            "This value is not valid, expected struct Booking",
        ),
    ] {
        let log = Captured::start();
        let answer = send("POST", "/bookings", JSON, body).await;
        assert_eq!(answer.status(), 422, "{body}");
        let envelope = answer.envelope();
        assert_eq!(envelope.code(), "VALIDATION_ERROR");
        let expected =
            json!([{"pointer": pointer, "in": "body", "code": code, "message": message}]);
        assert_eq!(
            answer.json()["error"]["details"]["errors"],
            expected,
            "{body}"
        );
        assert!(!format!("{:?}", log.only()).contains("s3cret"), "{body}");
    }
}

#[tokio::test]
async fn other_json_rejections_have_the_code_of_their_kind() {
    for (content_type, body, status, code, message) in [
        (
            JSON,
            r#"{"items/all": "#,
            400,
            "INVALID_REQUEST",
            "The request body is not valid JSON (line 1, column 14)",
        ),
        (
            JSON,
            "",
            400,
            "INVALID_REQUEST",
            "The request body is not valid JSON (line 1, column 0)",
        ),
        (
            "text/plain",
            "{}",
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "Please send JSON with the header Content-Type: application/json",
        ),
    ] {
        let answer = send("POST", "/bookings", content_type, body).await;
        let envelope = answer.envelope();
        assert_eq!((answer.status().as_u16(), envelope.code()), (status, code));
        assert_eq!(envelope.message(), message);
    }
    let huge = format!("\"{}\"", "x".repeat(3 << 20));
    let answer = send("POST", "/bookings", JSON, &huge).await;
    assert_eq!(answer.envelope().code(), "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn other_extractors_point_at_the_parameter() {
    let violation = |pointer: &str, part: &str, code: &str, message: &str| json!([{"pointer": pointer, "in": part, "code": code, "message": message}]);
    let required = "This value is required";
    for (method, path, body, status, errors) in [
        (
            "GET",
            "/cars/s3cret",
            "",
            400,
            violation(
                "",
                "path",
                "INVALID_VALUE",
                "This value is not valid, expected u32",
            ),
        ),
        (
            "GET",
            "/pairs/1/s3cret",
            "",
            400,
            violation(
                "/1",
                "path",
                "INVALID_VALUE",
                "This value is not valid, expected u8",
            ),
        ),
        (
            "GET",
            "/search",
            "",
            400,
            violation("/page", "query", "REQUIRED", required),
        ),
        (
            "GET",
            "/search?page=s3cret",
            "",
            400,
            violation("/page", "query", "INVALID_VALUE", "This value is not valid"),
        ),
        (
            "GET",
            "/form?page=s3cret",
            "",
            400,
            violation("/page", "query", "INVALID_VALUE", "This value is not valid"),
        ),
        (
            "POST",
            "/form",
            "page=s3cret",
            422,
            violation("/page", "body", "INVALID_VALUE", "This value is not valid"),
        ),
        (
            "POST",
            "/form",
            "",
            422,
            violation("/page", "body", "REQUIRED", required),
        ),
    ] {
        let log = Captured::start();
        let answer = send(method, path, FORM, body).await;
        assert_eq!(answer.status(), status, "{method} {path}");
        assert_eq!(
            answer.json()["error"]["details"]["errors"],
            errors,
            "{method} {path}"
        );
        assert!(!String::from_utf8_lossy(&answer.body).contains("s3cret"));
        assert!(!format!("{:?}", log.only()).contains("s3cret"));
    }
}

#[tokio::test]
async fn mistakes_of_the_service_are_internal_and_logged() {
    for (path, cause) in [
        ("/missing", "Missing request extension"),
        ("/params", "Wrong number of path arguments"),
    ] {
        let log = Captured::start();
        let answer = send("GET", path, "", "").await;
        assert_eq!(answer.envelope().code(), "INTERNAL_ERROR", "{path}");
        assert_eq!(answer.json()["error"].get("details"), None::<&Value>);
        let event = log.only();
        assert!(
            event.field("error").unwrap().starts_with(cause),
            "{event:?}"
        );
    }
}

#[tokio::test]
async fn failures_of_the_router_are_envelopes() {
    for (method, path, status, code) in [
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("DELETE", "/bookings", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/refused", 409, "CONFLICT"),
        ("GET", "/overwritten", 409, "CONFLICT"),
    ] {
        let log = Captured::start();
        let answer = send(method, path, "", "").await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.envelope().code(), code);
        assert_eq!(answer.json()["status"], status);
        if status == 405 {
            assert_eq!(answer.header("allow"), Some("POST"));
        }
        assert_eq!(log.only().field("trace_id"), answer.header("x-trace-id"));
    }
}

#[tokio::test]
async fn head_has_the_length_of_get() {
    let get = send("GET", "/refused", "", "").await;
    let head = send("HEAD", "/refused", "", "").await;
    assert_eq!(head.header("content-length"), get.header("content-length"));
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn the_matched_route_is_logged_and_the_path_is_not() {
    let log = Captured::start();
    let _ = send("GET", "/cars/s3cret", "", "").await;
    assert_eq!(log.only().field("route"), Some("/cars/{id}"));
}

#[tokio::test]
async fn the_layer_may_go_around_a_finished_router() {
    let app = Router::new().route("/cars", post(|| async {}));
    let service = tower::Layer::layer(&ErrorLayer::new(), app);
    let request = Request::get("/cars").body(Body::empty()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "POST");
    assert_eq!(response.headers()["x-error-code"], "METHOD_NOT_ALLOWED");
}

#[cfg(feature = "testing")]
#[tokio::test]
async fn a_whole_router_conforms() {
    let report = exodrive_errors::testing::Conformance::new()
        .json_route(http::Method::POST, "/bookings")
        .route("/cars/7")
        .failing_route(http::Method::GET, "/refused")
        .run(app())
        .await;
    assert!(report.is_conforming(), "{report}");
}
