//! What the tests share: the example server on a port of its own, and a client.

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a failed unwrap is a failed test"
)]

use exodrive_example_server::config::Config;
use exodrive_example_server::domain::{Period, Today};
use exodrive_example_server::server::{self, Running};
use reqwest::header::AUTHORIZATION;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

/// A demo user of the standard tier.
pub const NORA: &str = "demo-standard-nora";
/// Another one.
pub const TOMAS: &str = "demo-standard-tomas";
/// The demo administrator.
pub const ADMINISTRATOR: &str = "demo-administrator";

/// An admin token.
pub const OPERATIONS_TOKEN: &str = "a-token-of-the-tests-of-at-least-32-bytes";

/// A running server, and a client that talks to it over a socket.
#[derive(Debug)]
#[non_exhaustive]
pub struct Server {
    /// The server.
    pub running: Running,
    client: Client,
}

impl Server {
    /// Starts a server with a small fleet.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a server with a small fleet and a configuration of the test's own.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.listen_addr.set_port(0);
        config.cars = 40;
        config.bookings = 400;
        change(&mut config);
        Self {
            running: server::start(config).await.unwrap(),
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// Begins a request.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.running.address());
        self.client.request(method, url)
    }

    /// Begins a request to the listener for operators.
    pub fn operations(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.running.operations_address());
        self.client.request(method, url)
    }

    /// Sends an anonymous GET.
    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    /// Sends a GET with an API key.
    pub async fn get_as(&self, key: &str, path: &str) -> Response {
        self.request(Method::GET, path)
            .header(AUTHORIZATION, format!("Bearer {key}"))
            .send()
            .await
            .unwrap()
    }

    /// Sends JSON with an API key.
    pub async fn send_as(&self, key: &str, method: Method, path: &str, body: &Value) -> Response {
        self.request(method, path)
            .header(AUTHORIZATION, format!("Bearer {key}"))
            .json(body)
            .send()
            .await
            .unwrap()
    }

    /// Books a car.
    pub async fn book(&self, key: &str, car: &str, period: Period) -> Response {
        let (from, to) = (period.from(), period.to());
        let body = json!({ "carId": car, "from": from, "to": to });
        self.send_as(key, Method::POST, "/api/v1/bookings", &body)
            .await
    }

    /// Returns a car, and a day from which on it is free.
    pub async fn free_car(&self) -> (String, Period) {
        let today = Today::utc().date();
        let free = self.running.repository().free_forever(today).await.unwrap();
        let (car, day) = free.unwrap();
        (car.to_string(), Period::starting(day, 3))
    }

    /// Returns how many statements the database has seen.
    pub fn queries(&self) -> u64 {
        self.running.repository().queries()
    }
}

/// Returns a header as text, or nothing.
pub fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

/// Checks that the answer is an envelope that agrees with its own headers, and returns it.
pub async fn envelope(response: Response) -> Value {
    let status = response.status().as_u16();
    let code = header(&response, "x-error-code").unwrap().to_owned();
    let trace_id = header(&response, "x-trace-id").unwrap().to_owned();
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    assert_eq!(body["error"]["code"], code);
    assert_eq!(body["error"]["traceId"], trace_id);
    body
}

/// The guides in `docs/`, whose examples are tests.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../docs/client-ip.md")]
    struct ClientIp;
    #[doc = include_str!("../docs/from-tower-governor.md")]
    struct FromTowerGovernor;
    #[doc = include_str!("../docs/from-tower-http-cache.md")]
    struct FromTowerHttpCache;
    #[doc = include_str!("../docs/invalidation.md")]
    struct Invalidation;
    #[doc = include_str!("../docs/layer-order.md")]
    struct LayerOrder;
    #[doc = include_str!("../docs/testing.md")]
    struct Testing;
}
