//! Bodies: those that fail after the headers were sent, and those that would hold up an answer.

use exodrive_errors::BoxError;
use exodrive_errors::ErrorLayer;
use exodrive_errors::ResponseBody;
use http::Response;
use http_body::Body;
use http_body_util::BodyExt;
use tower::Layer;
use tower::ServiceExt;
use tower::service_fn;
use tracing::Level;

use crate::support::Captured;
use crate::support::Script;
use crate::support::Step;
use crate::support::get;
use crate::support::send;

/// The response of a service whose body follows a script.
async fn respond(status: u16, steps: &[Step]) -> Response<ResponseBody<Script>> {
    let service = ErrorLayer::new().layer(service_fn(|_| {
        let body = Script::new(steps.iter().cloned());
        let response = Response::builder()
            .status(status)
            .header("content-type", "text/plain");
        std::future::ready(Ok::<_, BoxError>(response.body(body).unwrap()))
    }));
    service.oneshot(get("/")).await.unwrap()
}

#[tokio::test]
async fn a_body_that_fails_midway_is_logged_and_ends_with_the_error() {
    for (step, error, message) in [
        (
            Step::Error("redis://:hunter2@cache is gone"),
            "redis://***@cache is gone",
            "response body failed",
        ),
        (Step::Panic, "the body panicked on purpose", "panicked"),
    ] {
        let log = Captured::start();
        let steps = [Step::Data("first"), step, Step::Data("never")];
        let response = respond(200, &steps).await;
        let id = response.headers()["x-trace-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let mut body = response.into_body();
        assert_eq!(
            body.frame().await.unwrap().unwrap().into_data().unwrap(),
            "first"
        );
        assert!(body.frame().await.unwrap().is_err());
        assert!(body.frame().await.is_none());
        assert!(body.is_end_stream());

        let event = log.only();
        assert_eq!(event.level, Level::ERROR);
        assert_eq!(event.field("trace_id"), Some(&*id));
        assert_eq!(event.field("code"), Some("INTERNAL_ERROR"));
        assert_eq!(event.field("status"), Some("200"));
        assert_eq!(event.field("error"), Some(error));
        assert_eq!(event.field("message"), Some(message));
    }
}

#[tokio::test]
async fn text_that_is_not_ready_holds_nothing_up() {
    let mut flood = vec![Step::Data(""); 1000];
    flood.push(Step::Data("late"));
    for steps in [
        &[Step::Data("half"), Step::Pending][..],
        &[Step::Data("half"), Step::Error("lost")],
        &[Step::Data("half"), Step::Panic],
        &flood,
    ] {
        let response = respond(400, steps).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let envelope = exodrive_errors::ErrorEnvelope::from_response_parts(&parts, &body);
        assert_eq!(
            envelope.message(),
            "The request is not valid, please check it and try again"
        );
    }
}

#[tokio::test]
async fn text_in_several_frames_becomes_the_message() {
    let steps = [Step::Data("Please "), Step::Data("name a city")];
    let service = ErrorLayer::new().layer(service_fn(move |_| {
        let body = Script::new(steps.clone());
        let response = Response::builder()
            .status(400)
            .header("content-type", "text/plain");
        std::future::ready(Ok::<_, BoxError>(response.body(body).unwrap()))
    }));
    let answer = send(service, get("/")).await;
    assert_eq!(answer.envelope().message(), "Please name a city");
}

#[tokio::test]
async fn an_envelope_knows_its_length() {
    let body = respond(404, &[]).await.into_body();
    let length = body.size_hint().exact().unwrap();
    assert!(!body.is_end_stream());
    assert_eq!(
        body.collect().await.unwrap().to_bytes().len() as u64,
        length
    );
    assert!(ResponseBody::<Script>::default().is_end_stream());
}
