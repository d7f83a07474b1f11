//! Driving a service through the layer and reading what it logged.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::Once;
use std::task::Context as TaskContext;
use std::task::Poll;

use bytes::Bytes;
use exodrive_errors::BoxError;
use exodrive_errors::ErrorEnvelope;
use exodrive_errors::ErrorLayer;
use http::Request;
use http::Response;
use http::StatusCode;
use http_body::Body;
use http_body::Frame;
use http_body_util::BodyExt;
use http_body_util::Full;
use serde_json::Value;
use tower::Layer;
use tower::Service;
use tower::ServiceExt;
use tower::service_fn;
use tracing::field::Field;
use tracing::field::Visit;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::Context;
use tracing_subscriber::layer::SubscriberExt;

pub(crate) type TestRequest = Request<Full<Bytes>>;
pub(crate) type TestResponse = Response<Full<Bytes>>;

/// A response with its body read.
pub(crate) struct Answer {
    pub(crate) parts: http::response::Parts,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub(crate) fn envelope(&self) -> ErrorEnvelope {
        ErrorEnvelope::from_response_parts(&self.parts, &self.body)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.parts
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap())
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.parts.status
    }
}

pub(crate) fn get(path: &str) -> TestRequest {
    Request::get(path).body(Full::default()).unwrap()
}

/// Sends one request and reads the body.
pub(crate) async fn send<S, B>(service: S, request: TestRequest) -> Answer
where
    S: Service<TestRequest, Response = Response<B>>,
    S::Error: fmt::Debug,
    B: Body<Data = Bytes>,
    B::Error: fmt::Debug,
{
    let (parts, body) = service.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { parts, body }
}

/// Sends one request to a handler behind a layer.
pub(crate) async fn through<F, Fut>(layer: ErrorLayer, request: TestRequest, handler: F) -> Answer
where
    F: FnMut(TestRequest) -> Fut,
    Fut: Future<Output = Result<TestResponse, BoxError>>,
{
    send(layer.layer(service_fn(handler)), request).await
}

/// A service that always answers the same way.
pub(crate) fn always(
    make: impl Fn() -> TestResponse + Clone,
) -> impl Service<TestRequest, Response = TestResponse, Error = Infallible, Future: Send> + Clone {
    service_fn(move |_| std::future::ready(Ok(make())))
}

/// What a thread logs while this is alive.
pub(crate) struct Captured {
    events: Arc<Mutex<Vec<Event>>>,
    _guard: DefaultGuard,
}

#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) target: String,
    pub(crate) level: tracing::Level,
    pub(crate) fields: BTreeMap<&'static str, String>,
}

impl Event {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

/// Gives every thread of the process a subscriber, which keeps nothing.
///
/// `tracing` remembers for the whole process whether anybody wants an event. With one subscriber alive it asks only the
/// thread that comes across the event first, and a thread without one would answer for the others.
pub(crate) fn listen_everywhere() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
    });
}

impl Captured {
    pub(crate) fn start() -> Self {
        listen_everywhere();
        let events = Arc::default();
        let recorder = Recorder(Arc::clone(&events));
        let subscriber = tracing_subscriber::registry().with(recorder);
        Self {
            events,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    /// Everything at INFO and above, whoever said it.
    pub(crate) fn events(&self) -> Vec<Event> {
        let events = self.events.lock().unwrap();
        events
            .iter()
            .filter(|event| event.level <= tracing::Level::INFO)
            .cloned()
            .collect()
    }

    /// The one event there must be.
    pub(crate) fn only(&self) -> Event {
        let events = self.events();
        assert_eq!(events.len(), 1, "{events:#?}");
        events.into_iter().next().unwrap()
    }
}

struct Recorder(Arc<Mutex<Vec<Event>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Recorder {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields(BTreeMap::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(Event {
            target: event.metadata().target().to_owned(),
            level: *event.metadata().level(),
            fields: fields.0,
        });
    }
}

struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

/// What a scripted body does when it is polled.
#[derive(Clone)]
pub(crate) enum Step {
    Data(&'static str),
    /// Never woken again.
    Pending,
    Error(&'static str),
    Panic,
}

/// A body that follows a script and then ends.
pub(crate) struct Script(VecDeque<Step>);

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.0.pop_front() {
            None => Poll::Ready(None),
            Some(Step::Data(text)) => Poll::Ready(Some(Ok(Frame::data(text.into())))),
            Some(Step::Pending) => Poll::Pending,
            Some(Step::Error(text)) => Poll::Ready(Some(Err(text.into()))),
            Some(Step::Panic) => panic!("the body panicked on purpose"),
        }
    }
}
