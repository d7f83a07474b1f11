//! Every failure of a tower HTTP service as one documented JSON envelope, logged once, with a trace id.
//!
//! [`ErrorLayer`] goes around a service and answers for everything that goes wrong inside it: errors that handlers return,
//! rejections of a framework, refusals of other middleware, errors of the service, panics.
//! Clients get one shape and a stable code, operators get one log event with the trace id and the cause, and the cause never
//! reaches a client.
//! The layer does the work of an error handler, a panic catcher and a request-id layer, without boxing and without asking the
//! service inside to be `Clone`.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use bytes::Bytes;
//! use exodrive_errors::{ApiError, ErrorCode, ErrorEnvelope, ErrorLayer};
//! use http::{Request, Response, StatusCode};
//! use http_body_util::{BodyExt, Full};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! const CAR_UNAVAILABLE: ErrorCode = ErrorCode::new("CAR_UNAVAILABLE", StatusCode::CONFLICT)
//!     .message("This car is already booked for these dates")
//!     .help("Choose other dates or another car.");
//!
//! async fn book(_: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     Ok(ApiError::new(CAR_UNAVAILABLE).into())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let service = ServiceBuilder::new()
//!     .layer(ErrorLayer::new().support("support@example.com"))
//!     .service_fn(book);
//!
//! let request = Request::post("/bookings")
//!     .header("x-trace-id", "booking-4711")
//!     .body(Full::default())
//!     .unwrap();
//! let (parts, body) = service.oneshot(request).await.unwrap().into_parts();
//! let body = body.collect().await.unwrap().to_bytes();
//!
//! assert_eq!(parts.status, StatusCode::CONFLICT);
//! assert_eq!(parts.headers["x-error-code"], "CAR_UNAVAILABLE");
//! let envelope = ErrorEnvelope::from_response_parts(&parts, &body);
//! assert_eq!(envelope.message(), "This car is already booked for these dates");
//! assert_eq!(envelope.trace_id().unwrap().as_str(), "booking-4711");
//! # }
//! ```
//!
//! # On the wire
//!
//! ```text
//! HTTP/1.1 429 Too Many Requests
//! content-type: application/json
//! retry-after: 37
//! cache-control: no-store
//! x-content-type-options: nosniff
//! x-trace-id: 4bf92f3577b34da6a3ce929d0e0e4736
//! x-error-code: RATE_LIMITED
//!
//! {"error":{"code":"RATE_LIMITED","message":"Too many requests, please try again later",
//!           "details":{"retryAfter":37},"timestamp":"2026-01-21T12:34:56.789Z",
//!           "traceId":"4bf92f3577b34da6a3ce929d0e0e4736"},"status":429}
//! ```
//!
//! `details` is there when there is something to say. Three of its members are reserved, the rest is the application's:
//! `retryAfter` (whole seconds, at least 1), `errors` (a list of [`FieldViolation`]) and `help`
//! (`{"steps", "docsUrl", "support"}`, each only where it is known). What an error puts there is at most 8 KiB.
//!
//! A client whose `Accept` names `application/problem+json` gets the same document with `type`, `title` and `detail` in front,
//! a valid RFC 9457 problem. Every other client gets `application/json`, whatever it accepts: a client that cannot read an
//! error is helped by nothing less.
//!
//! # How it decides
//!
//! 1. The trace id is the one in the request's extensions, else that of [`MakeTraceId`], of `traceparent`, of `x-trace-id`,
//!    else 128 random bits. An id that breaks its grammar is ignored. It is in the request's extensions and on every response.
//! 2. A panic, in `call` or in the future, is an `INTERNAL_ERROR`.
//! 3. An error of the service, of `poll_ready` too, is mapped by [`ErrorLayer::map_service_error`] along its sources,
//!    else it is the [`ApiError`] among them, else an `INTERNAL_ERROR`.
//! 4. A response made from an [`ApiError`] is rendered again, with the request's trace id and what the layer adds.
//!    A status set over the error's is kept, unless it claims a success.
//! 5. Every other response below 400 passes, upgrades included.
//! 6. gRPC passes: its clients read a status of their own. So does what another layer of this kind, further in, has answered.
//! 7. A typed value that [`ErrorLayer::recognize`] knows is rendered, with the status of the error it became.
//! 8. A body that is empty or `text/plain` becomes an envelope of the status. The text of a 4xx becomes the message if it is
//!    at most 8 KiB and ready at once; the text of a 5xx goes to the log.
//! 9. Any other body passes: JSON of another service, a page for people, the report of a health check.
//!
//! A replaced body takes only the headers that describe it along. `Allow`, `Retry-After`, `WWW-Authenticate`, `Set-Cookie` and
//! the headers of CORS stay; `Retry-After` is mirrored in `details.retryAfter`. `HEAD` gets the headers of `GET` and no body.
//!
//! # What is logged
//!
//! One event of `tracing` for each failure, target `exodrive_errors`: at ERROR for a 5xx, a panic and a body that fails after
//! the headers were sent, at [INFO](ErrorLayer::client_error_level) for a 4xx.
//! Its fields are `trace_id`, `code`, `method`, `route`, `status`, `latency_ms`, `error` (the cause and its sources, or the
//! panic's message), `location` (of a panic), `context` (of [`ApiError::log_context`]) and `suppressed`: of `RATE_LIMITED`, ten
//! events a second are written, and the next one written says how many were not.
//!
//! Never logged are bodies of requests, paths, queries and headers. The text of causes loses credentials (see [`Redact`]), then
//! control characters, then what exceeds 1,024 characters.
//! [`ErrorLayer::on_error`] sees every failure, for metrics.
//!
//! The place of a panic is known only to the panic hook of the process: the first layer puts one in front of the hook that is
//! there, which remembers the place and calls the other.
//!
//! # Where it goes
//!
//! Outermost first: CORS, compression, request tracing, **errors**, timeouts and limits, authentication, cache, routes.
//! What is outside of it can fail without an envelope; a cache outside of it would be told `no-store`.
//! A panic passes everything by that stands between it and the layer. Where a limiter has something to say about every
//! response, a second layer inside of it answers panics there; the outer one leaves what it answered alone.
//! tower-http's `TraceLayer` logs failures of its own unless it is given `on_failure(())`.
//! Browsers show `x-trace-id` and `retry-after` to a page of another origin only if CORS exposes them; the body has both.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `axum` | `IntoResponse` for [`ApiError`]; `From` for the rejections of extractors, with JSON pointers; the matched route in the log |
//! | `testing` | `testing`: `assert_envelope`, and a conformance run that drives a whole router |
//!
//! # Not included
//!
//! Errors before the service is called (a malformed request line is answered by the server), translation of messages,
//! envelopes for gRPC.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
mod axum;
mod body;
mod chain;
mod code;
mod context;
mod details;
mod document;
mod envelope;
mod error;
mod foreign;
mod future;
mod layer;
mod log;
mod outcome;
mod panic;
mod problem;
mod render;
mod route;
mod service;
mod settings;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod trace_id;
mod violation;

pub use body::ResponseBody;
pub use code::Catalogue;
pub use code::ErrorCode;
pub use envelope::ErrorEnvelope;
pub use error::ApiError;
pub use error::BoxError;
pub use future::ResponseFuture;
pub use layer::ErrorLayer;
pub use log::FailureEvent;
pub use log::LogLevel;
pub use log::OnError;
pub use log::Redact;
pub use service::ErrorService;
pub use settings::MakeTraceId;
pub use trace_id::InvalidTraceId;
pub use trace_id::TraceId;
pub use violation::FieldLocation;
pub use violation::FieldViolation;

#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
