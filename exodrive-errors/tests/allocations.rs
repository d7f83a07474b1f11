//! A success costs no allocation beyond its trace id: the one in the request's extensions and the one in the response's header.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::convert::Infallible;
use std::future::Ready;
use std::future::ready;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use allocation_counter::measure;
use bytes::Bytes;
use exodrive_errors::ApiError;
use exodrive_errors::ErrorCode;
use exodrive_errors::ErrorLayer;
use exodrive_errors::FailureEvent;
use exodrive_errors::TraceId;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::Response;
use http_body::Body;
use http_body_util::Full;
use tower::Layer;
use tower::Service;
use tower::service_fn;

type TestRequest = Request<Full<Bytes>>;
type TestResponse = Response<Full<Bytes>>;

const X_TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// What a server hands over: extensions and headers that are there already.
fn request(headers: &[(&'static str, &'static str)]) -> TestRequest {
    let mut request = Request::get("/cars").body(Full::default()).unwrap();
    request.extensions_mut().insert("the address of the client");
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(*name, HeaderValue::from_static(value));
    }
    request
}

fn success() -> TestResponse {
    let mut response = Response::new(Full::from("a car"));
    let content_type = HeaderValue::from_static("text/plain");
    response.headers_mut().insert("content-type", content_type);
    response
}

/// Calls a service that is ready at once, and reads its body.
fn drive<S, B>(service: &mut S, request: TestRequest)
where
    S: Service<TestRequest, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes> + Unpin,
{
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready());
    let Poll::Ready(Ok(response)) = pin!(service.call(request)).poll(&mut cx) else {
        panic!("the service is not ready at once");
    };
    let mut body = response.into_body();
    while let Poll::Ready(Some(Ok(_))) = pin!(&mut body).poll_frame(&mut cx) {}
}

fn count(
    service: &mut impl Service<
        TestRequest,
        Response = Response<impl Body<Data = Bytes> + Unpin>,
        Error = Infallible,
    >,
    request: TestRequest,
) -> u64 {
    measure(|| drive(service, request)).count_total
}

#[test]
fn a_success_allocates_for_its_trace_id_alone() {
    // By hand, what the layer promises to do.
    let mut by_hand = service_fn(
        |mut request: TestRequest| -> Ready<Result<TestResponse, Infallible>> {
            let id = TraceId::random();
            request.extensions_mut().insert(id);
            let mut response = success();
            let value = HeaderValue::from_str(id.as_str()).unwrap();
            response.headers_mut().insert(X_TRACE_ID, value);
            ready(Ok(response))
        },
    );
    let mut layered = ErrorLayer::new()
        .docs_url("https://docs.example/")
        .on_error(|_: &FailureEvent<'_>| {})
        .recognize(|_: &String| ApiError::new(ErrorCode::CONFLICT))
        .layer(service_fn(|_: TestRequest| {
            ready(Ok::<_, Infallible>(success()))
        }));

    for headers in [
        &[][..],
        &[("x-trace-id", "from-the-caller")],
        &[(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )],
        &[
            ("accept", "text/html, application/problem+json;q=0.5"),
            ("content-type", "application/json"),
        ],
    ] {
        // The first request of a process sets up what later ones share.
        drive(&mut by_hand, request(headers));
        drive(&mut layered, request(headers));
        let bare = count(&mut by_hand, request(headers));
        assert_eq!(count(&mut layered, request(headers)), bare, "{headers:?}");
    }
}

#[test]
fn a_trace_id_that_is_there_costs_only_its_header() {
    let answer = |_: TestRequest| ready(Ok::<_, Infallible>(success()));
    let mut bare = service_fn(answer);
    let mut layered = ErrorLayer::new().layer(service_fn(answer));
    let traced = || {
        let mut request = request(&[]);
        request.extensions_mut().insert(TraceId::random());
        request
    };
    drive(&mut layered, traced());
    assert_eq!(
        count(&mut layered, traced()),
        count(&mut bare, traced()) + 1
    );
}
