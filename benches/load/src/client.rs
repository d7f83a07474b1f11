//! Sends requests over connections that are kept.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request as HttpRequest};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::answer::Answer;
use crate::scenario::Request;

/// Connections are given up before the server does that, or a request could meet its end of one.
const IDLE: Duration = Duration::from_secs(30);

/// A client of one server. Cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    server: SocketAddr,
}

impl Client {
    pub(crate) fn new(server: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            pool: Pool::builder(TokioExecutor::new())
                .pool_idle_timeout(IDLE)
                .build(connector),
            server,
        }
    }

    /// # Errors
    ///
    /// If no whole answer came.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, String> {
        let mut builder = HttpRequest::builder()
            .method(&request.method)
            .header("x-forwarded-for", request.address.to_string());
        if let Some(key) = &request.key {
            builder = builder.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        let mut body = Bytes::new();
        if let Some(value) = &request.body {
            builder = builder.header(CONTENT_TYPE, "application/json");
            body = value.to_string().into();
        }
        self.exchange(builder, &request.path, body).await
    }

    /// Asks for what is no part of the load.
    ///
    /// # Errors
    ///
    /// If no whole answer came.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, String> {
        let builder = HttpRequest::builder().method(Method::GET);
        self.exchange(builder, path, Bytes::new()).await
    }

    /// Asks for JSON that is no part of the load.
    ///
    /// # Errors
    ///
    /// If no JSON came.
    pub(crate) async fn json(&self, path: &str) -> Result<Value, String> {
        let answer = self.get(path).await?;
        if answer.status.is_success() {
            answer.json()
        } else {
            Err(format!("{path}: {}", answer.status))
        }
    }

    async fn exchange(
        &self,
        builder: http::request::Builder,
        path: &str,
        body: Bytes,
    ) -> Result<Answer, String> {
        let request = builder
            .uri(format!("http://{}{path}", self.server))
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        let response = self
            .pool
            .request(request)
            .await
            .map_err(|error| format!("no answer: {error}"))?;
        let (parts, body) = response.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|error| format!("no whole answer: {error}"))?;
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.to_bytes(),
        })
    }
}
