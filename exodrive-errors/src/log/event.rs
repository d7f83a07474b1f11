use tracing::Level;

use super::FailureEvent;
use super::LogLevel;
use super::redact;
use super::redact::Redact;
use super::text;
use crate::panic;

/// What is logged in place of a text that cannot be had.
const UNPRINTABLE: &str = "(printing it panicked)";

/// The one place that writes to the log.
///
/// Every text is redacted, then escaped, then cut; what cannot be untrusted (code, status, method, trace id) is not.
pub(crate) fn emit(
    failure: &FailureEvent<'_>,
    context: &[(&'static str, String)],
    extra: Option<&dyn Redact>,
    client_error_level: LogLevel,
    suppressed: u64,
) {
    // Printing an error and redacting it is the application's code, and the event is written even if that panics.
    let clean = |text: &dyn Fn() -> String| {
        let cleaned = panic::catch(|| {
            let text = text();
            let scrubbed = redact::scrub(&text);
            match extra {
                Some(extra) => text::one_line(&extra.redact(scrubbed.into_owned())).into_owned(),
                None => text::one_line(&scrubbed).into_owned(),
            }
        });
        cleaned.unwrap_or_else(|_| UNPRINTABLE.to_owned())
    };
    let error = match failure.panic {
        Some(panicked) => Some(clean(&|| panicked.message.clone())),
        None => failure.source.map(|source| clean(&|| text::chain(source))),
    };
    let error = error.as_deref();
    let location = failure
        .panic
        .and_then(|panicked| panicked.location.as_deref());
    let route = failure.route.map(text::one_line);
    let route = route.as_deref();
    let context = (!context.is_empty()).then(|| {
        let pairs: Vec<String> = context
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        clean(&|| pairs.join(", "))
    });
    let context = context.as_deref();
    let latency_ms = u64::try_from(failure.latency.as_millis()).unwrap_or(u64::MAX);
    let suppressed = (suppressed > 0).then_some(suppressed);

    // The level of an event is part of its static description, so each level needs an event of its own.
    macro_rules! event {
        ($level:expr, $message:literal) => {
            tracing::event!(
                target: "exodrive_errors",
                $level,
                trace_id = failure.trace_id.as_str(),
                code = failure.code.name(),
                method = failure.method.as_str(),
                route,
                status = failure.status.as_u16(),
                latency_ms,
                error,
                location,
                context,
                suppressed,
                $message
            )
        };
    }
    if failure.panic.is_some() {
        event!(Level::ERROR, "panicked");
    } else if failure.started {
        event!(Level::ERROR, "response body failed");
    } else if failure.status.is_server_error() {
        event!(Level::ERROR, "request failed");
    } else {
        match client_error_level {
            LogLevel::Error => event!(Level::ERROR, "request refused"),
            LogLevel::Warn => event!(Level::WARN, "request refused"),
            LogLevel::Info => event!(Level::INFO, "request refused"),
            LogLevel::Debug => event!(Level::DEBUG, "request refused"),
            LogLevel::Trace => event!(Level::TRACE, "request refused"),
        }
    }
}
