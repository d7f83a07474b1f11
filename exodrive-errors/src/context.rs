//! What is remembered of a request until its response, and its body, have ended.

use std::error::Error;
use std::sync::Arc;

use http::HeaderMap;
use http::Method;
use http::Request;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::time::Instant;

use crate::code::ErrorCode;
use crate::log;
use crate::log::FailureEvent;
use crate::panic;
use crate::panic::Panicked;
use crate::problem;
use crate::render::Presentation;
use crate::route::Route;
use crate::settings::Settings;
use crate::trace_id::TraceId;

/// One request, as far as its failure needs it.
#[derive(Debug)]
pub(crate) struct RequestContext {
    pub(crate) trace_id: TraceId,
    pub(crate) settings: Arc<Settings>,
    pub(crate) is_grpc: bool,
    method: Method,
    route: Route,
    wants_problem: bool,
    arrival: Instant,
}

/// What a failure adds to its request for the log.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Cause<'a> {
    pub(crate) source: Option<&'a (dyn Error + 'static)>,
    pub(crate) panic: Option<&'a Panicked>,
    pub(crate) context: &'a [(&'static str, String)],
    /// The headers had been sent.
    pub(crate) started: bool,
}

impl<'a> Cause<'a> {
    pub(crate) fn source(source: &'a (dyn Error + 'static)) -> Self {
        Self {
            source: Some(source),
            ..Self::default()
        }
    }

    pub(crate) fn panic(panicked: &'a Panicked) -> Self {
        Self {
            panic: Some(panicked),
            ..Self::default()
        }
    }
}

impl RequestContext {
    /// Decides the trace id, leaves it in the request's extensions and takes note of the rest.
    pub(crate) fn enter<B>(request: &mut Request<B>, settings: &Arc<Settings>) -> Self {
        let headers = request.headers();
        let extensions = request.extensions();
        let made = settings.make_trace_id.as_ref().and_then(|make| {
            let made = panic::catch(|| make.make_trace_id(headers, extensions));
            made.unwrap_or_default()
        });
        // An id that is there already comes from a layer further out, and a request has one id.
        let present = extensions.get::<TraceId>().copied();
        let trace_id = present
            .or(made)
            .or_else(|| TraceId::from_headers(headers))
            .unwrap_or_else(TraceId::random);

        let context = Self {
            trace_id,
            settings: Arc::clone(settings),
            is_grpc: is_grpc(headers),
            method: request.method().clone(),
            route: Route::find(extensions, settings),
            wants_problem: problem::is_accepted(headers),
            arrival: Instant::now(),
        };
        if present.is_none() {
            request.extensions_mut().insert(trace_id);
        }
        context
    }

    pub(crate) fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }

    pub(crate) fn presentation(&self) -> Presentation<'_> {
        Presentation {
            trace_id: self.trace_id,
            problem: self.wants_problem,
            docs_url: self.settings.docs_url.as_deref(),
            support: self.settings.support.as_deref(),
        }
    }

    /// Logs a failure and tells the hook: once for each failure, whoever finds it.
    pub(crate) fn report(&self, code: ErrorCode, status: StatusCode, cause: Cause<'_>) {
        let settings = &*self.settings;
        let now = Instant::now();
        let failure = FailureEvent {
            code,
            status,
            trace_id: self.trace_id,
            method: &self.method,
            route: self.route.as_str(),
            latency: now.saturating_duration_since(self.arrival),
            source: cause.source,
            panic: cause.panic,
            started: cause.started,
        };
        let suppressed = if code == ErrorCode::RATE_LIMITED {
            settings.refusals.admit(now)
        } else {
            Some(0)
        };
        // The application's own code may panic here too, and must not take the response with it.
        let _ = panic::catch(|| {
            if let Some(suppressed) = suppressed {
                let redact = settings.redact.as_deref();
                let level = settings.client_error_level;
                log::emit(&failure, cause.context, redact, level, suppressed);
            }
        });
        let _ = panic::catch(|| {
            if let Some(hook) = &settings.on_error {
                hook.on_error(&failure);
            }
        });
    }
}

/// `application/grpc`, `application/grpc+proto`, `application/grpc-web`: its clients read a status of their own.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}
