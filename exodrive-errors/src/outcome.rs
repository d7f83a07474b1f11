//! From what the service inside did to the response that leaves.

use std::error::Error;
use std::pin::pin;
use std::task::Context;
use std::time::SystemTime;

use bytes::Bytes;
use http::Response;
use http::response::Parts;
use http_body::Body;

use crate::body::ResponseBody;
use crate::chain;
use crate::code::ErrorCode;
use crate::context;
use crate::context::Cause;
use crate::context::RequestContext;
use crate::error::ApiError;
use crate::error::BoxError;
use crate::foreign;
use crate::panic;
use crate::panic::Panicked;
use crate::render;
use crate::render::Carried;
use crate::trace_id::X_TRACE_ID;

/// The service inside gave no response.
#[derive(Debug)]
pub(crate) enum Failure {
    Service(BoxError),
    Panic(Panicked),
}

/// Marks a failed response that has been logged and, if it was to be, rendered; a layer further out leaves it alone.
#[derive(Debug, Clone, Copy)]
struct Settled;

/// The response that leaves, reported if it is a failure.
pub(crate) fn settle<B>(
    result: Result<Response<B>, Failure>,
    context: RequestContext,
    cx: &mut Context<'_>,
) -> Response<ResponseBody<B>>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    match result {
        Ok(response) => respond(response, context, cx),
        Err(Failure::Panic(panicked)) => answer_panic(&panicked, &context),
        Err(Failure::Service(source)) => answer_error(&*source, &context),
    }
}

fn answer_panic<B>(panicked: &Panicked, context: &RequestContext) -> Response<ResponseBody<B>> {
    let error = ApiError::new(ErrorCode::INTERNAL_ERROR);
    replace(&error, fresh(&error), context, Cause::panic(panicked))
}

fn answer_error<B>(
    source: &(dyn Error + 'static),
    context: &RequestContext,
) -> Response<ResponseBody<B>> {
    let mut mappings = context.settings.map_errors.iter();
    let mapped = panic::catch(|| {
        mappings.find_map(|map| chain::sources(source).find_map(|error| map(error)))
    });
    let mapped = match mapped {
        Ok(mapped) => mapped,
        Err(panicked) => return answer_panic(&panicked, context),
    };
    let unknown;
    let error = match (&mapped, chain::find(source)) {
        (Some(error), _) | (None, Some(error)) => error,
        (None, None) => {
            unknown = ApiError::new(ErrorCode::INTERNAL_ERROR);
            &unknown
        }
    };
    replace(error, fresh(error), context, Cause::source(source))
}

/// The rules of the crate documentation, in its order.
fn respond<B>(
    response: Response<B>,
    context: RequestContext,
    cx: &mut Context<'_>,
) -> Response<ResponseBody<B>>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let (mut parts, body) = response.into_parts();
    if let Some(Carried(error)) = parts.extensions.remove() {
        // `(StatusCode::OK, error)` must not turn a failure into a success.
        if !is_failure(&parts) {
            parts.status = error.status();
        }
        return replace(&error, parts, &context, Cause::default());
    }
    if !is_failure(&parts) {
        return pass(parts, body, context);
    }
    let is_grpc = context.is_grpc || context::is_grpc(&parts.headers);
    if is_grpc || parts.extensions.get::<Settled>().is_some() {
        return pass(parts, body, context);
    }
    let mut recognizers = context.settings.recognize.iter();
    let recognized = panic::catch(|| recognizers.find_map(|find| find(&parts.extensions)));
    match recognized {
        Ok(None) => {}
        Ok(Some(error)) => {
            parts.status = error.status();
            render::apply_headers(&error, &mut parts);
            return replace(&error, parts, &context, Cause::default());
        }
        Err(panicked) => return answer_panic(&panicked, &context),
    }
    if !foreign::is_replaceable(&parts.headers, &body, context.is_head()) {
        return pass(parts, body, context);
    }

    let error = ApiError::new(ErrorCode::for_status(parts.status));
    match foreign::read_text(&parts.headers, pin!(body), cx) {
        Some(text) if parts.status.is_client_error() => {
            let error = error.message(text.into_message());
            replace(&error, parts, &context, Cause::default())
        }
        Some(text) => replace(&error, parts, &context, Cause::source(&text)),
        None => replace(&error, parts, &context, Cause::default()),
    }
}

fn is_failure(parts: &Parts) -> bool {
    parts.status.is_client_error() || parts.status.is_server_error()
}

/// The response as it is, but for the trace id; a failure among them is still reported.
fn pass<B>(mut parts: Parts, body: B, context: RequestContext) -> Response<ResponseBody<B>> {
    parts
        .headers
        .insert(X_TRACE_ID, context.trace_id.to_header_value());
    if is_failure(&parts) && parts.extensions.insert(Settled).is_none() {
        let code = ErrorCode::for_status(parts.status);
        context.report(code, parts.status, Cause::default());
    }
    let status = parts.status;
    Response::from_parts(parts, ResponseBody::inner(body, context, status))
}

/// The envelope of an error in place of whatever the body was.
fn replace<B>(
    error: &ApiError,
    mut parts: Parts,
    context: &RequestContext,
    cause: Cause<'_>,
) -> Response<ResponseBody<B>> {
    let document = render::render(
        error,
        &mut parts,
        &context.presentation(),
        SystemTime::now(),
    );
    parts.extensions.insert(Settled);
    let cause = Cause {
        source: error.cause().or(cause.source),
        context: error.logged(),
        ..cause
    };
    context.report(error.code(), parts.status, cause);
    // The headers are those of GET, the body is not sent (RFC 9110, section 9.3.2).
    let body = if context.is_head() {
        ResponseBody::default()
    } else {
        ResponseBody::envelope(document)
    };
    Response::from_parts(parts, body)
}

/// The parts of a response that starts with an error.
fn fresh(error: &ApiError) -> Parts {
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = error.status();
    render::apply_headers(error, &mut parts);
    parts
}
