//! The routes behind authentication, on a real repository of either kind and without a socket.

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use axum::{Router, middleware};
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, Request, StatusCode};
use jiff::ToSpan;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::router;
use crate::AppState;
use crate::answers::Answers;
use crate::auth::{ApiKeys, authenticate};
use crate::caching;
use crate::config::Config;
use crate::domain::Today;
use crate::flags::{Flags, Rollout};
use crate::limits::Limits;
use crate::meters::Exposition;
use crate::repository::Repository;
use crate::seed::Seed;
use crate::testing::{Engine, TestDatabase, test_on_each_database};

test_on_each_database!(
    books_a_car_once_until_its_booker_cancels,
    lets_an_administrator_cancel_for_others,
    asks_for_a_key_where_it_needs_one_and_refuses_an_unknown_one_everywhere,
    asks_the_database_nothing_to_know_who_is_asking,
    lets_administrators_change_the_fleet_and_nobody_else,
    points_at_every_wrong_field,
    is_ready_while_the_database_answers_and_alive_in_any_case,
    serves_its_error_codes,
    answers_without_the_database_until_an_event_removes_what_is_kept,
);

const NORA: Option<&str> = Some("demo-standard-nora");
const YUKI: Option<&str> = Some("demo-premium-yuki");
const ADMINISTRATOR: Option<&str> = Some("demo-administrator");

struct Api {
    router: Router,
    state: AppState,
    _database: TestDatabase,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Api {
    /// Ten cars that nobody has booked.
    async fn new(engine: Engine) -> Self {
        let database = TestDatabase::new(engine).await;
        let repository = Repository::open(&database.url).await.unwrap();
        let seed = Seed::new(Today::utc().date(), 10, 0);
        repository.load(seed).await.unwrap();
        let keys = ApiKeys::load(&repository).await.unwrap();
        let state = AppState::new(
            repository,
            keys,
            caching::cache(Answers::new(None)).unwrap(),
            Flags::new(|_| Rollout::ON),
            Limits::new(&Config::default(), None).unwrap(),
            None,
            Exposition::install().unwrap(),
        );
        let authentication = middleware::from_fn_with_state(state.keys.clone(), authenticate);
        Self {
            router: router(&state).unwrap().layer(authentication),
            state,
            _database: database,
        }
    }

    async fn ask(&self, method: Method, path: &str, key: Option<&str>, body: Value) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        let body = match body {
            Value::Null => Body::empty(),
            body => Body::from(body.to_string()),
        };
        let request = request.body(body).unwrap();
        let (parts, body) = self
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None, Value::Null).await
    }

    /// Asks for each path until the cache has its answer.
    async fn keep(&self, paths: &[&str]) {
        for path in paths {
            // An answer is sent before it is kept.
            let mut attempts = 0;
            while self.reads(path).await {
                assert!(attempts < 100, "{path} is never kept");
                attempts += 1;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Whether the database is needed to answer.
    async fn reads(&self, path: &str) -> bool {
        let before = self.state.repository.queries();
        self.get(path).await;
        self.state.repository.queries() > before
    }

    async fn book(&self, key: Option<&str>, body: Value) -> Answer {
        self.ask(Method::POST, "/api/v1/bookings", key, body).await
    }
}

impl Answer {
    fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    fn pointers(&self) -> Vec<&str> {
        let violations = self.body["error"]["details"]["errors"].as_array();
        let violations = violations.into_iter().flatten();
        violations
            .filter_map(|violation| violation["pointer"].as_str())
            .collect()
    }
}

/// Three days from tomorrow on.
fn rental() -> Value {
    let tomorrow = Today::utc().date() + 1.day();
    json!({ "carId": "car-000001", "from": tomorrow, "to": tomorrow + 3.days() })
}

fn new_car() -> Value {
    json!({
        "make": "Volkswagen", "model": "Golf", "city": "Berlin", "year": 2024,
        "licencePlate": "B-NE 1", "pricePerDayCents": 4_500,
    })
}

async fn books_a_car_once_until_its_booker_cancels(engine: Engine) {
    let api = Api::new(engine).await;
    let booked = api.book(NORA, rental()).await;
    assert_eq!(booked.status, StatusCode::CREATED);
    assert_eq!(booked.body["from"], rental()["from"]);

    let again = api.book(YUKI, rental()).await;
    assert_eq!(
        (again.status, again.code()),
        (StatusCode::CONFLICT, "CAR_UNAVAILABLE")
    );

    let path = format!("/api/v1/bookings/{}", booked.body["id"].as_str().unwrap());
    let cancel = async |key| api.ask(Method::DELETE, &path, key, Value::Null).await;
    assert_eq!(cancel(YUKI).await.status, StatusCode::FORBIDDEN);
    assert_eq!(cancel(NORA).await.status, StatusCode::NO_CONTENT);
    assert_eq!(cancel(NORA).await.code(), "BOOKING_NOT_FOUND");
    assert_eq!(api.book(YUKI, rental()).await.status, StatusCode::CREATED);
}

async fn lets_an_administrator_cancel_for_others(engine: Engine) {
    let api = Api::new(engine).await;
    let booked = api.book(NORA, rental()).await;
    let path = format!("/api/v1/bookings/{}", booked.body["id"].as_str().unwrap());
    let cancelled = api
        .ask(Method::DELETE, &path, ADMINISTRATOR, Value::Null)
        .await;
    assert_eq!(cancelled.status, StatusCode::NO_CONTENT);
}

async fn asks_for_a_key_where_it_needs_one_and_refuses_an_unknown_one_everywhere(engine: Engine) {
    let api = Api::new(engine).await;
    let anonymous = api.book(None, rental()).await;
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        anonymous.headers[WWW_AUTHENTICATE],
        r#"Bearer realm="exodrive""#
    );

    let path = "/api/v1/fleet";
    let unknown = api
        .ask(Method::GET, path, Some("guessed"), Value::Null)
        .await;
    assert_eq!(
        (unknown.status, unknown.code()),
        (StatusCode::UNAUTHORIZED, "UNAUTHORIZED")
    );
    let challenge = unknown.headers[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.contains("invalid_token"), "{challenge}");

    assert_eq!(api.get(path).await.status, StatusCode::OK);
}

async fn asks_the_database_nothing_to_know_who_is_asking(engine: Engine) {
    let api = Api::new(engine).await;
    let before = api.state.repository.queries();
    api.ask(Method::GET, "/healthz", NORA, Value::Null).await;
    assert_eq!(api.state.repository.queries(), before);
}

async fn lets_administrators_change_the_fleet_and_nobody_else(engine: Engine) {
    let api = Api::new(engine).await;
    let create = async |key| api.ask(Method::POST, "/api/v1/cars", key, new_car()).await;
    assert_eq!(create(None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(create(YUKI).await.status, StatusCode::FORBIDDEN);

    let created = create(ADMINISTRATOR).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let path = created.headers[LOCATION].to_str().unwrap();
    assert_eq!(api.get(path).await.body, created.body);
    assert_eq!(create(ADMINISTRATOR).await.code(), "LICENCE_PLATE_TAKEN");

    let update = json!({ "city": "Paris", "licencePlate": "PA-RI 5", "pricePerDayCents": 5_000 });
    let updated = api.ask(Method::PUT, path, ADMINISTRATOR, update).await;
    assert_eq!(updated.body["city"], "Paris");
    assert_eq!(updated.body["pricePerDayCents"], 5_000);

    let deleted = api
        .ask(Method::DELETE, path, ADMINISTRATOR, Value::Null)
        .await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(api.get(path).await.code(), "CAR_NOT_FOUND");
}

async fn points_at_every_wrong_field(engine: Engine) {
    let api = Api::new(engine).await;
    let body = json!({ "carId": "car-000001", "from": "2020-01-01", "to": "2020-01-01" });
    let past = api.book(NORA, body).await;
    assert_eq!(
        (past.status, past.code()),
        (StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION_ERROR")
    );
    assert_eq!(past.pointers(), ["/from", "/to"]);

    let mut car = new_car();
    car["pricePerDayCents"] = json!(0);
    car["year"] = json!(1889);
    let wrong = api
        .ask(Method::POST, "/api/v1/cars", ADMINISTRATOR, car)
        .await;
    assert_eq!(wrong.pointers(), ["/pricePerDayCents", "/year"]);

    let mut car = new_car();
    car["city"] = json!("Atlantis");
    let unknown = api
        .ask(Method::POST, "/api/v1/cars", ADMINISTRATOR, car)
        .await;
    assert_eq!(unknown.pointers(), ["/city"]);

    let pages = api.get("/api/v1/fleet?page=0&per_page=101").await;
    assert_eq!(pages.pointers(), ["/page", "/per_page"]);

    let availability = "/api/v1/cars/car-000001/availability";
    assert_eq!(api.get(availability).await.pointers(), ["/from", "/to"]);
    let reversed = format!("{availability}?from=2026-03-02&to=2026-03-01");
    assert_eq!(api.get(&reversed).await.pointers(), ["/to"]);
    let half = format!("{availability}?from=2026-03-02");
    assert_eq!(api.get(&half).await.pointers(), ["/to"]);
}

async fn is_ready_while_the_database_answers_and_alive_in_any_case(engine: Engine) {
    let api = Api::new(engine).await;
    assert_eq!(api.get("/readyz").await.body, json!({ "status": "ready" }));
    api.state.repository.close().await;
    let unready = api.get("/readyz").await;
    assert_eq!(
        (unready.status, unready.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE")
    );
    assert_eq!(api.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(api.get("/api/v1/fleet").await.code(), "DATABASE_ERROR");
}

async fn serves_its_error_codes(engine: Engine) {
    let catalogue = Api::new(engine).await.get("/errors").await;
    let codes = catalogue.body["errors"].as_array().unwrap();
    assert!(codes.iter().any(|code| code["code"] == "CAR_UNAVAILABLE"));
}

#[tokio::test]
async fn documents_every_route_and_serves_every_documented_one() {
    let api = Api::new(Engine::Sqlite).await;
    let document = api.get("/openapi.json").await.body;
    let documented = document["paths"].as_object().unwrap();
    // The description of a router shows its paths in quotation marks, those of the fallback last.
    let description = format!("{:?}", api.router);
    let (description, _) = description.split_once("fallback_router").unwrap();
    let (descriptive, served): (BTreeSet<&str>, BTreeSet<&str>) = description
        .split('"')
        .filter(|text| text.starts_with('/'))
        .partition(|path| path.starts_with("/docs") || *path == "/openapi.json");
    assert_eq!(descriptive.len(), 4, "{descriptive:?}");
    assert_eq!(served, documented.keys().map(String::as_str).collect());

    for (path, item) in documented {
        // No route has this method, so each says which it has.
        let path = path.replace("{id}", "car-000001");
        let refused = api.ask(Method::PATCH, &path, None, Value::Null).await;
        let served = refused.headers[ALLOW].to_str().unwrap().to_lowercase();
        let served = served.split(',').filter(|method| *method != "head");
        let methods = item.as_object().unwrap().keys().map(String::as_str);
        assert_eq!(
            served.collect::<BTreeSet<_>>(),
            methods.collect::<BTreeSet<_>>(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn documents_nothing_it_does_not_describe() {
    let document = Api::new(Engine::Sqlite)
        .await
        .get("/openapi.json")
        .await
        .body;
    let text = document.to_string();
    let references: BTreeSet<&str> = text
        .split(r##""$ref":"#"##)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(references.contains("/components/responses/Error429"));
    assert!(references.contains("/components/headers/x-cache"));
    for reference in references {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn serves_pages_to_try_it_on() {
    let page = Api::new(Engine::Sqlite).await.get("/docs/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.headers[CONTENT_TYPE], "text/html");
}

async fn answers_without_the_database_until_an_event_removes_what_is_kept(engine: Engine) {
    let api = Api::new(engine).await;
    let (from, to) = (&rental()["from"], &rental()["to"]);
    let days = format!("from={from}&to={to}").replace('"', "");
    let listing = "/api/v1/fleet?city=berlin";
    let free = &format!("/api/v1/fleet?{days}");
    let car = "/api/v1/cars/car-000001";
    let availability = &format!("{car}/availability?{days}");
    let all = [listing, free, car, availability];
    let read_after_change = async || {
        let mut read = Vec::new();
        for path in all {
            if api.reads(path).await {
                read.push(path);
            }
        }
        read
    };

    api.keep(&all).await;
    assert!(read_after_change().await.is_empty());

    let booked = api.book(NORA, rental()).await;
    assert_eq!(read_after_change().await, [free, availability]);

    api.keep(&all).await;
    let booking = format!("/api/v1/bookings/{}", booked.body["id"].as_str().unwrap());
    api.ask(Method::DELETE, &booking, NORA, Value::Null).await;
    assert_eq!(read_after_change().await, [free, availability]);

    api.keep(&all).await;
    let update = json!({ "city": "Berlin", "licencePlate": "B-ER 1", "pricePerDayCents": 5_000 });
    api.ask(Method::PUT, car, ADMINISTRATOR, update).await;
    assert_eq!(read_after_change().await, all);

    api.keep(&all).await;
    api.ask(Method::POST, "/api/v1/cars", ADMINISTRATOR, new_car())
        .await;
    assert_eq!(read_after_change().await, [listing, free]);

    api.keep(&all).await;
    api.ask(Method::DELETE, car, ADMINISTRATOR, Value::Null)
        .await;
    assert_eq!(read_after_change().await, all);
    assert_eq!(api.get(car).await.code(), "CAR_NOT_FOUND");
}
