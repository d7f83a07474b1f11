//! Which trace id a request gets, and where it can be seen.

use exodrive_errors::ErrorLayer;
use exodrive_errors::TraceId;
use http::Extensions;
use http::HeaderMap;
use http::Request;
use http::Response;
use http_body_util::Full;
use proptest::prelude::*;

use crate::support::TestRequest;
use crate::support::TestResponse;
use crate::support::through;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Answers 200 with the trace id that the handler saw.
async fn seen_and_sent(layer: ErrorLayer, request: TestRequest) -> (String, String) {
    let answer = through(layer, request, |request| async move {
        let id: TraceId = *request.extensions().get().unwrap();
        let response: TestResponse = Response::new(Full::new(id.to_string().into()));
        Ok(response)
    })
    .await;
    let seen = String::from_utf8(answer.body.to_vec()).unwrap();
    (seen, answer.header("x-trace-id").unwrap().to_owned())
}

fn request(headers: &[(&str, &str)]) -> TestRequest {
    let mut request = Request::get("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::default()).unwrap()
}

#[tokio::test]
async fn a_success_carries_the_id_the_handler_saw() {
    for (headers, id) in [
        (&[("traceparent", PARENT)][..], TRACE),
        (&[("x-trace-id", "from-the-caller")], "from-the-caller"),
        (
            &[("traceparent", PARENT), ("x-trace-id", "from-the-caller")],
            TRACE,
        ),
        (
            &[
                ("traceparent", "00-junk"),
                ("x-trace-id", "from-the-caller"),
            ],
            "from-the-caller",
        ),
    ] {
        let (seen, sent) = seen_and_sent(ErrorLayer::new(), request(headers)).await;
        assert_eq!((&*seen, &*sent), (id, id));
    }
}

#[tokio::test]
async fn an_id_that_is_not_valid_is_replaced() {
    let long = "x".repeat(65);
    let huge = "x".repeat(1 << 20);
    for hostile in [
        "short",
        "two words",
        "a=1 b=2 c=3",
        "tab\there",
        "quote\"quote",
        &long,
        &huge,
    ] {
        let (seen, sent) =
            seen_and_sent(ErrorLayer::new(), request(&[("x-trace-id", hostile)])).await;
        assert_eq!(seen, sent);
        assert_eq!(sent.len(), 32);
    }
}

#[tokio::test]
async fn the_application_may_decide() {
    let own: TraceId = "of-the-span".parse().unwrap();
    let layer = || {
        ErrorLayer::new().make_trace_id(move |headers: &HeaderMap, _: &Extensions| {
            (!headers.contains_key("x-leave-it")).then_some(own)
        })
    };
    let (_, sent) = seen_and_sent(layer(), request(&[("traceparent", PARENT)])).await;
    assert_eq!(sent, "of-the-span");
    let leave = request(&[("traceparent", PARENT), ("x-leave-it", "1")]);
    assert_eq!(seen_and_sent(layer(), leave).await.1, TRACE);
}

#[tokio::test]
async fn an_id_in_the_extensions_comes_first() {
    let own: TraceId = "of-the-span".parse().unwrap();
    let deciding = ErrorLayer::new().make_trace_id(move |_: &HeaderMap, _: &Extensions| Some(own));
    for layer in [ErrorLayer::new(), deciding] {
        let mut request = request(&[("traceparent", PARENT)]);
        let id: TraceId = "set-further-out".parse().unwrap();
        request.extensions_mut().insert(id);
        assert_eq!(seen_and_sent(layer, request).await.1, "set-further-out");
    }
}

proptest! {
    #[test]
    fn a_header_is_echoed_only_if_it_is_valid(value in "[ -~]{0,80}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let sent = runtime.block_on(seen_and_sent(ErrorLayer::new(), request(&[("x-trace-id", &value)]))).1;
        if value.parse::<TraceId>().is_ok() {
            prop_assert_eq!(sent, value);
        } else {
            prop_assert_ne!(sent, value);
        }
    }
}
