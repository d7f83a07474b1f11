//! `exodrive-errors` beside a bare service, beside what it replaces, and beside plain `serde_json`.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Ready, ready};
use std::time::Duration;

use bytes::Bytes;
use exodrive_benches::{Goal, Group};
use exodrive_errors::{ApiError, ErrorCode, ErrorEnvelope, ErrorLayer, TraceId};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use serde::Serialize;
use serde_json::{Value, json};
use tower::{Layer, Service, ServiceExt, service_fn};

type Answer = Ready<Result<Response<Full<Bytes>>, Infallible>>;

const BARE: &str = "bare service";
const BY_HAND: &str = "trace id by hand";
const OURS: &str = "exodrive-errors";
const STACK: &str = "tower-http (set and propagate request id, catch panic)";
#[cfg(feature = "peers")]
const FROM_FN: &str = "axum from_fn";
const PLAIN: &str = "serde_json of a plain struct";

const X_TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
const PARENT: HeaderName = HeaderName::from_static("traceparent");

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

pub(crate) fn run() {
    success("a success whose trace id is made here", &[]);
    let sent = &[("traceparent", TRACEPARENT), ("x-request-id", TRACE_ID)];
    success("a success whose trace id was sent", sent);
    #[cfg(feature = "peers")]
    success_over_axum();
    failure();
    rendering();
}

fn success(name: &'static str, headers: &'static [(&'static str, &'static str)]) {
    let request = move || request(headers);
    let group = Group::new(name);
    let group = call(group, BARE, service_fn(car), request);
    let group = call(group, BY_HAND, service_fn(car_with_trace_id), request);
    let layered = ErrorLayer::new().layer(service_fn(car));
    let group = call(group, OURS, layered, request)
        .goal(Goal::added(Duration::from_nanos(60), BY_HAND))
        .goal(Goal::ratio(1.0, STACK));
    #[cfg(feature = "peers")]
    let group = call(group, STACK, peers::stack(service_fn(car)), request);
    group.run();
}

/// The same with the bodies that axum's middleware asks for.
#[cfg(feature = "peers")]
fn success_over_axum() {
    use axum::body::Body;
    let request = || request(&[]).map(Body::new);
    let car = service_fn(|_: Request<Body>| ready(Ok::<_, Infallible>(found().map(Body::new))));
    let group = Group::new("a success over axum's bodies");
    let group = call(group, BARE, car, request);
    let group = call(group, OURS, ErrorLayer::new().layer(car), request);
    call(group, FROM_FN, peers::from_fn(car), request).run();
}

fn failure() {
    let nothing = service_fn(|_: Request<Full<Bytes>>| {
        let response = Response::builder().status(StatusCode::NOT_FOUND);
        ready(response.body(Full::default()))
    });
    let request = || request(&[]);
    let group = Group::new("an empty 404");
    let group = call(group, BARE, nothing, request);
    call(group, OURS, ErrorLayer::new().layer(nothing), request).run();
}

fn rendering() {
    let plain = Plain::default();
    let written = serde_json::to_vec(&plain).unwrap();
    let envelope: ErrorEnvelope = serde_json::from_slice(&written).unwrap();
    assert_eq!(serde_json::to_vec(&envelope).unwrap(), written);

    Group::new("an envelope")
        .case(PLAIN, move || serde_json::to_vec(&plain).unwrap())
        .case("ErrorEnvelope as JSON", move || {
            serde_json::to_vec(&envelope).unwrap()
        })
        .goal(Goal::ratio(1.5, PLAIN))
        .case("ApiError as a response", || {
            let error = ApiError::new(ErrorCode::RATE_LIMITED).retry_after(Duration::from_secs(37));
            Response::<Full<Bytes>>::from(error)
        })
        .run();
}

/// What an envelope comes down to once every member is text.
#[derive(Serialize)]
struct Plain {
    error: PlainError,
    status: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlainError {
    code: &'static str,
    message: &'static str,
    details: Value,
    timestamp: &'static str,
    trace_id: &'static str,
}

impl Default for Plain {
    fn default() -> Self {
        let error = PlainError {
            code: "RATE_LIMITED",
            message: "Too many requests, please try again later",
            details: json!({ "retryAfter": 37 }),
            timestamp: "2026-01-21T12:34:56.789Z",
            trace_id: TRACE_ID,
        };
        Self { error, status: 429 }
    }
}

/// A request as a server hands it over.
fn request(headers: &'static [(&'static str, &'static str)]) -> Request<Full<Bytes>> {
    let usual = [
        (header::HOST, "cars.example"),
        (header::USER_AGENT, "bench/1"),
        (header::ACCEPT, "*/*"),
    ];
    let sent = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), *value));
    let mut request = Request::new(Full::default());
    *request.uri_mut() = Uri::from_static("/api/v1/cars/7");
    for (name, value) in usual.into_iter().chain(sent) {
        let value = HeaderValue::from_static(value);
        request.headers_mut().insert(name, value);
    }
    request.extensions_mut().insert("the address of the client");
    request
}

fn car(_: Request<Full<Bytes>>) -> Answer {
    ready(Ok(found()))
}

fn found() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(&[b'x'; 1024][..]));
    let content_type = HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// What the layer promises for a success, and no more.
fn car_with_trace_id(mut request: Request<Full<Bytes>>) -> Answer {
    let sent = request.headers().get(PARENT);
    let id = sent.and_then(|sent| TraceId::from_traceparent(sent.to_str().ok()?));
    let id = id.unwrap_or_else(TraceId::random);
    request.extensions_mut().insert(id);
    let mut response = found();
    let value = HeaderValue::from_str(id.as_str()).unwrap();
    response.headers_mut().insert(X_TRACE_ID, value);
    ready(Ok(response))
}

/// Adds a case that calls a service and reads its answer to the end.
fn call<S, ReqB, ResB>(
    group: Group,
    name: &'static str,
    service: S,
    request: impl Fn() -> Request<ReqB> + 'static,
) -> Group
where
    S: Service<Request<ReqB>, Response = Response<ResB>, Error: Debug> + Clone + 'static,
    ResB: Body<Error: Debug>,
{
    group.future(name, move || {
        let answer = service.clone().oneshot(request());
        async move { answer.await.unwrap().into_body().collect().await.unwrap() }
    })
}

#[cfg(feature = "peers")]
mod peers {
    use axum::extract;
    use axum::middleware::{self, Next};
    use tower::ServiceBuilder;
    use tower_http::catch_panic::CatchPanicLayer;
    use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

    use super::*;

    pub(super) fn stack<S>(
        service: S,
    ) -> impl Service<
        Request<Full<Bytes>>,
        Response = Response<impl Body<Error: Debug>>,
        Error: Debug,
    > + Clone
    where
        S: Service<
                Request<Full<Bytes>>,
                Response = Response<Full<Bytes>>,
                Error = Infallible,
                Future: Send,
            > + Clone,
    {
        ServiceBuilder::new()
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(CatchPanicLayer::new())
            .service(service)
    }

    pub(super) fn from_fn<S>(
        service: S,
    ) -> impl Service<extract::Request, Response = axum::response::Response, Error = Infallible> + Clone
    where
        S: Service<
                extract::Request,
                Response = axum::response::Response,
                Error = Infallible,
                Future: Send,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        middleware::from_fn(trace).layer(service)
    }

    /// A middleware written by hand, as far as a success needs it.
    async fn trace(mut request: extract::Request, next: Next) -> axum::response::Response {
        let id = TraceId::random();
        request.extensions_mut().insert(id);
        let mut response = next.run(request).await;
        let value = HeaderValue::from_str(id.as_str()).unwrap();
        response.headers_mut().insert(X_TRACE_ID, value);
        response
    }
}
