use std::fmt;
use std::future::poll_fn;
use std::iter;

use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::header::CONTENT_TYPE;
use http::uri::InvalidUri;
use http_body::Body;
use http_body_util::BodyExt;
use http_body_util::Full;
use tower_service::Service;

use super::envelope::check_envelope;
use super::envelope::header_faults;

/// Larger than any body a handler of JSON should take.
const HUGE: usize = 16 * 1024 * 1024;

/// Sends requests that must fail to a whole service, and reports each answer that is not an envelope.
///
/// Unknown paths are tried in any case, the rest is up to the routes it is told of.
/// An axum `Router` is such a service as it is.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Conformance {
    probes: Vec<Probe>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// One request that must be answered with an envelope.
#[derive(Debug, Clone)]
struct Probe {
    name: &'static str,
    method: Method,
    path: String,
    content_type: &'static str,
    body: Bytes,
}

/// What a [`Conformance`] run found.
#[derive(Debug, Clone)]
pub struct Report {
    probes: usize,
    failures: Vec<String>,
}

impl Conformance {
    /// A run that tries an unknown path, with `GET` and with `HEAD`.
    pub fn new() -> Self {
        const UNKNOWN: &str = "/there-is-nothing-at-this-path";
        Self::default()
            .probe("unknown path", Method::GET, UNKNOWN)
            .probe("HEAD of an unknown path", Method::HEAD, UNKNOWN)
    }

    /// Tries a route, named by a path that matches it such as `/cars/7`, with a method it does not answer.
    pub fn route(self, path: &str) -> Self {
        // A method of our own, since a route may answer any that is registered.
        let method = Method::from_bytes(b"NOSUCHMETHOD").unwrap_or(Method::TRACE);
        self.probe("wrong method", method, path)
    }

    /// Tries a route that reads JSON: with bad JSON, with none, with another content type, with 16 MiB, with a wrong method.
    pub fn json_route(self, method: Method, path: &str) -> Self {
        let mut huge = vec![b' '; HUGE];
        huge[0] = b'"';
        let bodies = [
            ("bad JSON", "application/json", Bytes::from_static(b"{\"")),
            ("no JSON at all", "application/json", Bytes::new()),
            ("wrong content type", "text/csv", Bytes::from_static(b"a;b")),
            ("huge body", "application/json", huge.into()),
        ];
        let mut run = self.route(path);
        let methods = iter::repeat_n(method, bodies.len());
        let probes = methods.zip(bodies);
        run.probes
            .extend(probes.map(|(method, (name, content_type, body))| Probe {
                name,
                method,
                path: path.to_owned(),
                content_type,
                body,
            }));
        run
    }

    /// Tries a route that fails however it is asked, for instance by a panic.
    pub fn failing_route(self, method: Method, path: &str) -> Self {
        self.probe("failing route", method, path)
    }

    /// Adds a header to every request, for instance credentials.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sends every request, one after the other.
    pub async fn run<S, B>(self, mut service: S) -> Report
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>>,
        S::Error: fmt::Debug,
        B: Body,
        B::Error: fmt::Debug,
    {
        let mut failures = Vec::new();
        for probe in &self.probes {
            let faults = match probe.request(&self.headers) {
                Ok(request) => match answer(&mut service, request).await {
                    Ok(response) => probe.faults(&response),
                    Err(error) => vec![error],
                },
                Err(error) => vec![format!("this is no path ({error})")],
            };
            if !faults.is_empty() {
                failures.push(format!("{probe}: {}", faults.join("; ")));
            }
        }
        Report {
            probes: self.probes.len(),
            failures,
        }
    }

    fn probe(mut self, name: &'static str, method: Method, path: &str) -> Self {
        self.probes.push(Probe {
            name,
            method,
            path: path.to_owned(),
            content_type: "application/json",
            body: Bytes::new(),
        });
        self
    }
}

impl Probe {
    fn request(
        &self,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<Request<Full<Bytes>>, InvalidUri> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.parse()?;
        let content_type = HeaderValue::from_static(self.content_type);
        request.headers_mut().insert(CONTENT_TYPE, content_type);
        request.headers_mut().extend(headers.iter().cloned());
        Ok(request)
    }

    fn faults(&self, response: &Response<Bytes>) -> Vec<String> {
        if self.method != Method::HEAD {
            return check_envelope(response).err().unwrap_or_default();
        }
        let mut faults = header_faults(response);
        if !response.body().is_empty() {
            faults.push("HEAD was answered with a body".into());
        }
        faults
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.name, self.method, self.path)
    }
}

async fn answer<S, B>(
    service: &mut S,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, String>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>>,
    S::Error: fmt::Debug,
    B: Body,
    B::Error: fmt::Debug,
{
    let failed = |error| format!("the service failed with {error:?}");
    poll_fn(|cx| service.poll_ready(cx)).await.map_err(failed)?;
    let (parts, body) = service.call(request).await.map_err(failed)?.into_parts();
    match body.collect().await {
        Ok(body) => Ok(Response::from_parts(parts, body.to_bytes())),
        Err(error) => Err(format!("the body failed with {error:?}")),
    }
}

impl Report {
    /// Whether every answer was an envelope.
    #[must_use]
    pub fn is_conforming(&self) -> bool {
        self.failures.is_empty()
    }

    /// One line for each answer that was not an envelope.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// How many requests were sent.
    #[must_use]
    pub fn probes(&self) -> usize {
        self.probes
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conforming = self.probes - self.failures.len();
        write!(f, "{conforming} of {} failures are envelopes", self.probes)?;
        for failure in &self.failures {
            write!(f, "\n- {failure}")?;
        }
        Ok(())
    }
}
